import neostandard from 'neostandard'

export default neostandard({ ts: true, ignores: ['dist', 'api', '.tap', 'node_modules', 'examples/*/pki', 'test/package/consumers'] })
