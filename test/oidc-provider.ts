import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

type Claims = Record<string, unknown>

/** An OpenID Connect provider over HTTP with one signed-in person. */
export type OidcProvider = {
  readonly url: string
  /** Settings of a server that trusts this provider. */
  readonly settings: Record<string, string>
  /** The claims of the person. */
  person: Claims
  /** Replaces claims of the next ID tokens. */
  forged: Claims
  /** Signs the next ID tokens with a key that it does not publish. */
  signsWithOtherKey: boolean
  /** Whether ID tokens contain only the subject; the other claims are at the UserInfo endpoint. */
  hasUserInfo: boolean
  [Symbol.asyncDispose](): Promise<void>
}

const clientId = 'gabee'
const clientSecret = 'the secret of the client'

export async function startOidcProvider(): Promise<OidcProvider> {
  const [keys, otherKeys] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')])
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }
  const grants = new Map<string, { query: URLSearchParams; person: Claims }>()

  async function idToken({ query, person }: { query: URLSearchParams; person: Claims }): Promise<string> {
    const claims = provider.hasUserInfo ? { sub: person['sub'] } : person
    const now = Math.floor(Date.now() / 1000)
    const standard = { iss: provider.url, aud: clientId, iat: now, exp: now + 300, nonce: query.get('nonce') }
    return await new SignJWT({ ...claims, ...standard, ...provider.forged })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .sign(provider.signsWithOtherKey ? otherKeys.privateKey : keys.privateKey)
  }

  /** Checks client, redirect URI and PKCE by RFC 6749 and RFC 7636. */
  function isRightful(form: URLSearchParams, authorization: string | undefined, query: URLSearchParams) {
    const [id, secret] = Buffer.from(authorization?.slice('Basic '.length) ?? '', 'base64')
      .toString()
      .split(':')
      .map((part) => decodeURIComponent(part.replaceAll('+', ' ')))
    const digest = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    return (
      id === clientId &&
      secret === clientSecret &&
      form.get('redirect_uri') === query.get('redirect_uri') &&
      query.get('code_challenge_method') === 'S256' &&
      digest === query.get('code_challenge')
    )
  }

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', provider.url)
    const send = (body: object, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const respond = async () => {
      if (pathname === '/.well-known/openid-configuration')
        return send({
          issuer: provider.url,
          authorization_endpoint: `${provider.url}/authorize`,
          token_endpoint: `${provider.url}/token`,
          jwks_uri: `${provider.url}/jwks`,
          id_token_signing_alg_values_supported: ['RS256'],
          userinfo_endpoint: `${provider.url}/userinfo`,
        })
      if (pathname === '/jwks') return send({ keys: [jwk] })
      if (pathname === '/userinfo') return send(provider.person)
      if (pathname === '/authorize') {
        const code = randomUUID()
        grants.set(code, { query: searchParams, person: provider.person })
        const back = new URL(searchParams.get('redirect_uri') ?? '')
        back.search = `${new URLSearchParams({ code, state: searchParams.get('state') ?? '' })}`
        return response.writeHead(302, { location: back.href }).end()
      }
      const form = new URLSearchParams(await new Response(request as unknown as BodyInit).text())
      const code = form.get('code') ?? ''
      const grant = grants.get(code)
      grants.delete(code)
      if (!grant || !isRightful(form, request.headers.authorization, grant.query))
        return send({ error: 'invalid_grant' }, 400)
      return send({ access_token: randomUUID(), token_type: 'Bearer', id_token: await idToken(grant) })
    }
    respond().catch((error: unknown) => response.writeHead(500).end(String(error)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider: OidcProvider = {
    url,
    settings: {
      OIDC_ISSUER: url,
      OIDC_CLIENT_ID: clientId,
      OIDC_CLIENT_SECRET: clientSecret,
      OIDC_NAME: 'Example Login',
    },
    person: {},
    forged: {},
    signsWithOtherKey: false,
    hasUserInfo: false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return provider
}
