// A real OpenID provider, `oidc-provider` from npm, for the tests beside this file. It signs in and consents by itself.
//
// Usage: node provider.mjs MODULES. It writes one line of JSON when it listens, and stops when its input ends.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

// The provider's notes go where nobody has to read them.
console.info = console.error;
console.log = console.error;

const { Provider } = await import(pathToFileURL(join(process.argv[2], 'oidc-provider/lib/index.js')));

function key(kid, kind, options) {
  const { privateKey } = generateKeyPairSync(kind, options);
  return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig' };
}

let round = 0;
function keys() {
  round += 1;
  return [
    key(`rsa-${round}`, 'rsa', { modulusLength: 2048 }),
    key(`ec-${round}`, 'ec', { namedCurve: 'P-256' }),
  ];
}

const server = createServer((request, response) => answer(request, response));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const algorithms = { 'https://gate.example/ps': 'PS256', 'https://gate.example/es': 'ES256' };

function configuration() {
  return {
    jwks: { keys: keys() },
    clients: [
      {
        client_id: 'robot', client_secret: 'only-for-tests', grant_types: ['client_credentials'],
        redirect_uris: [], response_types: [],
      },
      {
        client_id: 'desk', client_secret: 'only-for-tests', grant_types: ['authorization_code'],
        redirect_uris: [`${issuer}/callback`], response_types: ['code'],
      },
    ],
    cookies: { keys: ['only-for-tests'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (context, resource) => ({
          scope: 'gate.invoke gate.call', audience: resource, accessTokenTTL: 600, accessTokenFormat: 'jwt',
          jwt: { sign: { alg: algorithms[resource] ?? 'RS256' } },
        }),
      },
    },
    ttl: { Interaction: 600, Session: 600, Grant: 600, IdToken: 600 },
    extraTokenClaims: () => ({ groups: ['staff'] }),
    findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
  };
}

let provider = new Provider(issuer, configuration());

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  let result = { login: { accountId: 'ann' } };
  if (details.prompt.name === 'consent') {
    const { missingOIDCScope, missingResourceScopes } = details.prompt.details;
    const grant = new provider.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
      grant.addResourceScope(resource, scopes.join(' '));
    }
    result = { consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

function answer(request, response) {
  if (request.url === '/rotate') {
    provider = new Provider(issuer, configuration());
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
