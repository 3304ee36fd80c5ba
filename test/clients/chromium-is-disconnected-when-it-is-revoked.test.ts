/** The screenshots are beside the certificates in the folder of the test, if you want to look at them. */
import t from 'tap'
import { openBrowser } from '../support/browser.js'
import { startInstalledApp } from '../support/installed.js'
import { hasProgram } from '../support/programs.js'

for (const [version, alpn] of [['1.1', 'http/1.1'], ['2', 'h2+http/1.1']] as const) {
  t.test(`Chromium shows the page until its certificate is revoked, then the open page gets nothing more, and the next one shows a certificate error (HTTP/${version})`, async (t) => {
    if (!hasProgram(t, 'chromium') || !hasProgram(t, 'certutil') || !hasProgram(t, 'openssl')) return
    const { site, port, revokeMallory } = await startInstalledApp(t, `:alpn=${alpn}`)
    const origin = `https://localhost:${port}`
    const browser = await openBrowser(t, site, 'mallory', origin)
    const page = await browser.newPage()
    await page.goto(origin)
    t.equal(await page.textContent('h1'), 'Hello, mallory')
    const ask = (): Promise<string> => page.evaluate("fetch('/news').then((response) => response.text(), (error) => error.message)")
    t.equal(await ask(), 'good news')
    await page.screenshot({ path: site.path('before.png') })

    await revokeMallory()
    t.equal(await ask(), 'Failed to fetch', 'the next request of the open page')
    t.equal(await page.textContent('h1'), 'Hello, mallory', 'which is still there')
    const open = async (): Promise<string> => String(await page.goto(origin).catch((thrown: Error) => thrown))
    let refusal = await open()
    // It may not have noticed yet that its connection is closed.
    for (let attempts = 0; attempts < 3 && /ERR_SOCKET_NOT_CONNECTED|ERR_CONNECTION_CLOSED/.test(refusal); attempts++) refusal = await open()
    t.match(refusal, /ERR_BAD_SSL_CLIENT_AUTH_CERT/)
    await page.waitForSelector('#main-frame-error, .interstitial-wrapper')
    t.match(await page.textContent('body'), /didn.t accept your login certificate|ERR_BAD_SSL_CLIENT_AUTH_CERT/)
    await page.screenshot({ path: site.path('after.png') })
  })
}
