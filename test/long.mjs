/**
 * Tests that `npm test` leaves to `npm run test:all`. CI runs all. A name here stands for every file of test/ that begins so.
 *
 * A test belongs here if it takes more than about three seconds, or needs what `npm test` does not build.
 */

/** Needs the built package, as `npm run installed` makes it. */
export const NEEDS_BUILD = [
  'cli/program',
  'cli/revoke-keeps-the-file',
  'cli/revokes-at-the-same-time',
  'cli/terminal',
  'clients/',
  'documents/',
  'examples/',
  'package/',
  'proxy-protocol/on-inherited-sockets',
  'redis/',
  'transports/fd',
  'transports/inherited',
  'transports/stdio',
  'transports/systemd',
  'transports/two-workers'
]

/** Takes long: seconds on two cores. */
export const TAKES_LONG = {
  'alert/every-cipher': 4,
  'credentials/shared-files-are-read-once': 3,
  'crl/a-crl-below-any-anchor-counts': 3,
  'crl/a-hostile-crl-takes-no-longer-than-a-good-one': 3,
  'crl/a-lookup-takes-no-longer-whatever-a-crl-lists': 6,
  'crl/a-policy-that-refuses-everybody-is-warned-of': 5,
  'crl/agrees-with-openssl': 5,
  'crl/algorithms': 4,
  'crl/an-endpoint-refuses-and-cuts-by-crls': 4,
  'crl/thousands-of-crls-take-no-more-time-each': 6,
  'crl/whatever-a-file-holds': 3,
  'crl/whom-openssl-refuses-by-a-broken-crl-is-refused': 7,
  'description/coded-errors-only': 5,
  'description/linear-time': 6,
  'expiry/clock-that-is-set': 3,
  'expiry/expired-while-open': 3,
  'expiry/request-before-the-timer': 4,
  'files/pem-reader-throws-only-coded-errors-and-is-linear': 3,
  'flood/': 48,
  'gate/listeners-of-the-app-get-nothing-of-a-refused-client': 27,
  'gate/no-handler-begins-behind-a-hook-that-waits': 10,
  'gate/nothing-of-a-revoked-client-is-read-after-the-swap': 4,
  'gate/refused-chains-fill-no-memory': 10,
  'gate/swaps-under-load': 8,
  'health/degraded-while-what-is-gone-stays-revoked': 5,
  'http2/an-error-of-the-client-frees-its-place': 3,
  'http2/no-sequence-of-frames-ends-the-process-or-keeps-a-place': 9,
  'metrics/nothing-is-paid-without-the-option': 7,
  'plugin/inject': 4,
  'points/a-start-goes-by-what-can-be-had': 4,
  'resumption/matrix': 5,
  'revocation/a-change-behind-symbolic-links-is-seen': 13,
  'revocation/a-file-that-becomes-something-else-stays-revoked': 12,
  'revocation/a-large-crl-is-read-in-a-thread': 3,
  'revocation/a-line-that-cannot-be-followed-takes-the-place-of-none': 5,
  'revocation/a-problem-in-a-thread-is-the-same-coded-error': 5,
  'revocation/a-thread-keeps-no-process-alive': 7,
  'revocation/a-thread-starts-whatever-flags-the-process-has': 16,
  'revocation/a-thread-that-ends-is-followed-by-another': 4,
  'revocation/a-watcher-keeps-no-process-alive': 4,
  'revocation/endpoints-that-name-one-list-share-its-set': 4,
  'revocation/files-that-become-many-lose-nothing': 3,
  'revocation/many-files-are-followed-in-a-thread': 9,
  'revocation/nobody-is-let-in-before-they-have-been-gone-for-long-enough': 15,
  'revocation/of-many-files-what-is-gone-waits-too': 9,
  'revocation/threads-that-end-hold-up-nothing-else': 5,
  'revocation/what-is-gone-stays-revoked-until-it-has-rested': 14,
  'revocation/whatever-is-done-to-files-a-revoked-client-is-not-served': 4,
  'server/exits-by-itself': 9,
  'sni/a-client-gets-the-key-of-its-name-that-it-can-verify': 8,
  'sources/a-large-crl-over-http': 4,
  'sources/a-source-of-an-apps-own': 3,
  'sources/an-error-of-a-source-unrevokes-nobody': 3,
  'sources/https-trusts-what-node-trusts': 3,
  'sources/nginx-serves-a-crl': 5,
  'sources/whatever-is-answered-at-a-start': 13,
  'tls/version-matrix': 3,
  'transports/unix-cluster': 3,
  'transports/unix-lock': 3,
  'transports/unix-race': 5,
  'visibility/diagnostics-channels': 4,
  'x509/mutated-chains-let-nobody-in': 8,
  'x509/no-hostile-key-among-authorities-ends-the-process': 9,
  'x509/no-hostile-key-ends-the-command-check': 4,
  'x509/no-hostile-key-ends-the-command-status': 4,
  'x509/no-hostile-key-in-a-list-ends-the-process': 4,
  'x509/no-hostile-key-of-a-client-ends-the-process-in-tls-1-2': 10,
  'x509/no-hostile-key-of-a-client-ends-the-process-in-tls-1-3': 11,
  'x509/no-hostile-key-of-the-server-ends-the-process': 16
}

/** Runs in a process of its own: what it does to the process, or asks of it, concerns other tests. */
export const ALONE = [
  'gate/sent-chains-are-looked-at-within-a-budget'
]
