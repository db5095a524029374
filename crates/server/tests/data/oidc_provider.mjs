// A real OpenID provider, `oidc-provider` from npm, at which people sign in to the console. It signs in and consents by
// itself, as whoever `/as?account=NAME` said last.
//
// Usage: node oidc_provider.mjs MODULES CALLBACK. It writes one line of JSON when it listens, and stops when its input ends.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

// The provider's notes go where nobody has to read them.
console.info = console.error;
console.log = console.error;

const { Provider } = await import(pathToFileURL(join(process.argv[2], 'oidc-provider/lib/index.js')));
const roles = { ann: ['castellan-admin'], ben: ['castellan-reader', 'other'], eve: ['other'] };
let account = 'ann';

const server = createServer((request, response) => answer(request, response));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
// Another site than the console, as in life: ports make no difference to browsers.
const issuer = `http://localhost:${server.address().port}`;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider(issuer, {
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'one', use: 'sig' }] },
  clients: [
    {
      client_id: 'console', client_secret: 'only for tests: +&', grant_types: ['authorization_code'],
      redirect_uris: [process.argv[3]], response_types: ['code'],
    },
  ],
  cookies: { keys: ['only-for-tests'] },
  features: { devInteractions: { enabled: false } },
  ttl: { Interaction: 600, Session: 600, Grant: 600, IdToken: 600 },
  claims: { openid: ['sub'], profile: ['preferred_username', 'roles'], email: ['email'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  findAccount: (context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: `${id}@harbour.example`, roles: roles[id] ?? [] }),
  }),
  interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
});

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  let result = { login: { accountId: account } };
  if (account === 'nobody') {
    result = { error: 'access_denied', error_description: 'nobody is at the door' };
  } else if (details.prompt.name === 'consent') {
    const { missingOIDCScope, missingOIDCClaims } = details.prompt.details;
    const grant = new provider.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    result = { consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

function answer(request, response) {
  if (request.url.startsWith('/as?account=')) {
    account = request.url.split('=')[1];
    response.end('{}');
  } else if (request.url.startsWith('/interaction/')) {
    interact(request, response).catch((error) => { response.statusCode = 500; response.end(String(error)); });
  } else {
    provider.callback()(request, response);
  }
}

process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
process.stdout.write(`${JSON.stringify({ issuer })}\n`);
