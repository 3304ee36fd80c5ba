import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;

/** One request with Java's HttpClient: java Client.java URL ca.pem client.p12 password TLSv1.3. Prints what it gets. */
class Client {
    public static void main(String[] args) throws Exception {
        var password = args[3].toCharArray();
        var keys = KeyStore.getInstance("PKCS12");
        try (var file = new FileInputStream(args[2])) { keys.load(file, password); }
        var trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (var file = new FileInputStream(args[1])) {
            trusted.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        var keyManagers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keyManagers.init(keys, password);
        var trustManagers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trustManagers.init(trusted);
        var context = SSLContext.getInstance("TLS");
        context.init(keyManagers.getKeyManagers(), trustManagers.getTrustManagers(), null);
        var parameters = new SSLParameters();
        parameters.setProtocols(new String[] { args[4] });
        var client = HttpClient.newBuilder().sslContext(context).sslParameters(parameters).build();
        try {
            var response = client.send(HttpRequest.newBuilder(URI.create(args[0])).build(), BodyHandlers.ofString());
            System.out.println(response.statusCode() + " " + response.body() + " " + response.version());
        } catch (java.io.IOException refused) {
            for (Throwable cause = refused; cause != null; cause = cause.getCause()) System.out.println("refused " + cause.getMessage());
        }
    }
}
