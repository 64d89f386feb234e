import * as oidc from 'openid-client'
import { oidcUnavailable, providerRefused } from './errors.ts'

export type OidcSettings = {
  issuer: string
  clientId: string
  clientSecret: string | null
  /** The label of the sign-in button. */
  name: string
  /** The address of this server, to which the provider returns the browser. */
  publicUrl: string
}

/** Secrets of one sign-in, which must not leave the server. */
export type OidcSecrets = { verifier: string; nonce: string }

/** A person whom the provider has authenticated. */
export type OidcPerson = {
  issuer: string
  subject: string
  /** Null unless the provider has verified it. */
  email: string | null
  name: string | null
}

export const callbackPath = '/auth/oidc/callback'
const timeoutSeconds = 10

/** Signs people in at an OpenID Connect provider: authorization code flow with PKCE, state and nonce (RFC 9700). */
export function createOidc({ issuer, clientId, clientSecret, name, publicUrl }: OidcSettings) {
  let discovered: Promise<oidc.Configuration> | undefined

  async function discover(): Promise<oidc.Configuration> {
    const isPlain = issuer.startsWith('http:')
    const found = await oidc.discovery(new URL(issuer), clientId, undefined, oidc.None(), {
      timeout: timeoutSeconds,
      execute: isPlain ? [oidc.allowInsecureRequests] : [],
    })
    const server = found.serverMetadata()
    const takesBasic = server.token_endpoint_auth_methods_supported?.includes('client_secret_basic') ?? true
    const authentication =
      clientSecret === null ? oidc.None() : takesBasic ? oidc.ClientSecretBasic() : oidc.ClientSecretPost()
    const configuration = new oidc.Configuration(
      server,
      clientId,
      clientSecret === null ? undefined : { client_secret: clientSecret },
      authentication,
    )
    configuration.timeout = timeoutSeconds
    if (isPlain) oidc.allowInsecureRequests(configuration)
    // Checks the signature of ID tokens, in addition to the TLS connection.
    oidc.enableNonRepudiationChecks(configuration)
    return configuration
  }

  /** Discovers the provider at the first sign-in. @throws 503 if it cannot be reached */
  async function configuration(): Promise<oidc.Configuration> {
    discovered ??= discover()
    try {
      return await discovered
    } catch (cause) {
      discovered = undefined
      throw oidcUnavailable(cause)
    }
  }

  /** Some providers return the e-mail address only from the UserInfo endpoint. */
  async function claimsOf(at: oidc.Configuration, tokens: oidc.TokenEndpointResponse, id: oidc.IDToken) {
    const isComplete = id['email'] !== undefined || !at.serverMetadata().userinfo_endpoint
    return isComplete ? id : await oidc.fetchUserInfo(at, tokens.access_token, id.sub)
  }

  return {
    name,
    publicUrl,

    newSecrets: (): OidcSecrets => ({
      verifier: oidc.randomPKCECodeVerifier(),
      nonce: oidc.randomNonce(),
    }),

    /** Returns the sign-in page of the provider, which redirects back with `state`. */
    async begin(state: string, { verifier, nonce }: OidcSecrets): Promise<string> {
      const { href } = oidc.buildAuthorizationUrl(await configuration(), {
        redirect_uri: `${publicUrl}${callbackPath}`,
        scope: 'openid email profile',
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
      })
      return href
    },

    /**
     * Returns the person of a callback; `search` contains the code. @throws 403 if the provider refuses or a check
     * fails
     */
    async finish(search: string, state: string, { verifier, nonce }: OidcSecrets): Promise<OidcPerson> {
      const at = await configuration()
      try {
        const tokens = await oidc.authorizationCodeGrant(
          at,
          new URL(`${publicUrl}${callbackPath}${search}`),
          {
            pkceCodeVerifier: verifier,
            expectedState: state,
            expectedNonce: nonce,
            idTokenExpected: true,
          },
        )
        const id = tokens.claims()
        if (!id) throw new Error('The provider returned no ID token.')
        const { email, email_verified: isVerified, name: fullName } = await claimsOf(at, tokens, id)
        return {
          issuer: id.iss,
          subject: id.sub,
          email: typeof email === 'string' && isVerified === true ? email : null,
          name: typeof fullName === 'string' ? fullName : null,
        }
      } catch (cause) {
        throw providerRefused(cause)
      }
    },
  }
}
