import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;

/**
 * One request with Java's HttpClient for each version and client:
 * java Client.java URL ca.pem TLSv1.2,TLSv1.3 path/to/alice path/to/bob ... A client has a certificate (alice.pem) and an EC key (alice.key). Prints what each gets on a line.
 */
class Client {
    public static void main(String[] args) throws Exception {
        var trusted = emptyStore();
        trusted.setCertificateEntry("ca", certificates(args[1])[0]);
        var trustManagers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trustManagers.init(trusted);
        for (var version : args[2].split(",")) for (int index = 3; index < args.length; index++) {
            var parameters = new SSLParameters();
            parameters.setProtocols(new String[] { version });
            var keys = emptyStore();
            keys.setKeyEntry("client", key(args[index] + ".key"), new char[0], certificates(args[index] + ".pem"));
            var keyManagers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keyManagers.init(keys, new char[0]);
            var context = SSLContext.getInstance("TLS");
            context.init(keyManagers.getKeyManagers(), trustManagers.getTrustManagers(), null);
            var client = HttpClient.newBuilder().sslContext(context).sslParameters(parameters).build();
            try {
                var response = client.send(HttpRequest.newBuilder(URI.create(args[0])).build(), BodyHandlers.ofString());
                System.out.println(response.statusCode() + " " + response.body() + " " + response.version());
            } catch (java.io.IOException refused) {
                var reasons = new StringBuilder("refused");
                for (Throwable cause = refused; cause != null; cause = cause.getCause()) reasons.append(" ").append(cause.getMessage());
                System.out.println(reasons);
            }
        }
    }

    private static KeyStore emptyStore() throws Exception {
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private static Certificate[] certificates(String file) throws Exception {
        var bytes = new ByteArrayInputStream(Files.readAllBytes(Path.of(file)));
        return CertificateFactory.getInstance("X.509").generateCertificates(bytes).toArray(new Certificate[0]);
    }

    private static java.security.PrivateKey key(String file) throws Exception {
        var base64 = Files.readString(Path.of(file)).replaceAll("-----[A-Z ]+-----|\\s", "");
        return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64)));
    }
}
