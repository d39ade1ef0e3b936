/** What an Entra-shaped authority says in words and claims; as Microsoft's documents say, Entra itself is not verified here. */

/** `error`, first of `error_codes`, `suberror`, words. */
const errors = {
  disabled: ['invalid_grant', 50057, undefined, 'The user account is disabled.'],
  factor: ['invalid_grant', 50076, 'basic_action', 'You must use multi-factor authentication to access this resource.'],
  network: ['invalid_grant', 53003, 'message_only', 'Access has been blocked by Conditional Access policies.'],
  deadGrant: ['invalid_grant', 70000, 'bad_token', 'The provided grant is not valid.'],
  dulled: ['invalid_grant', 700082, undefined, 'The refresh token has expired due to inactivity.'],
  unknownClient: ['unauthorized_client', 700016, undefined, 'The application was not found in the directory.'],
  unlisted: ['invalid_client', 7999999, undefined, 'Something that nobody listed.'],
  declined: ['access_denied', 65004, undefined, 'User declined to consent to access the app.'],
} as const;
export type EntraErrorName = keyof typeof errors;

export function errorBody(name: EntraErrorName) {
  const [error, number, suberror, words] = errors[name];
  const ids = { trace_id: crypto.randomUUID(), correlation_id: crypto.randomUUID() };
  const timestamp = new Date().toISOString().replace('T', ' ').replace(/\.\d+/, '');
  const trail = `Trace ID: ${ids.trace_id} Correlation ID: ${ids.correlation_id} Timestamp: ${timestamp}`;
  return {
    error,
    error_description: `AADSTS${String(number)}: ${words} ${trail}`,
    error_codes: [number],
    timestamp,
    ...ids,
    error_uri: `https://login.example/error?code=${String(number)}`,
    ...(suberror === undefined ? {} : { suberror }),
  };
}

export function discoveryDocument(tenantUrl: string, issuer: string) {
  return {
    issuer,
    authorization_endpoint: `${tenantUrl}/oauth2/v2.0/authorize`,
    token_endpoint: `${tenantUrl}/oauth2/v2.0/token`,
    end_session_endpoint: `${tenantUrl}/oauth2/v2.0/logout`,
    jwks_uri: `${tenantUrl}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    tenant_region_scope: 'EU',
  };
}

/** More than this and a JWT says only where to ask. */
const mostGroups = 200;

export function groupClaims(count: number, tenant: string): object {
  if (count <= mostGroups) return { groups: Array.from({ length: count }, (_, at) => `group-${String(at)}`) };
  const endpoint = `https://graph.example/${tenant}/users/getMemberObjects`;
  return { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint } } };
}

/** `xms_cc` as the client asked for it in the `claims` parameter. */
export function capabilitiesIn(claims: string | null): readonly string[] {
  const asked = JSON.parse(claims ?? '{}') as { access_token?: { xms_cc?: { values?: string[] } } };
  return asked.access_token?.xms_cc?.values ?? [];
}

/** `client_info`: what MSAL takes the account's id from. */
export function clientInfo(oid: string, tenant: string): string {
  return Buffer.from(JSON.stringify({ uid: oid, utid: tenant })).toString('base64url');
}

/** The page that posts itself to the loopback redirect (`response_mode=form_post`). */
export function postingPage(action: string, parameters: URLSearchParams): string {
  const fields = [...parameters].map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}">`,
  );
  return page(`<form method="post" action="${escaped(action)}">${fields.join('')}</form>`);
}

export function page(content: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title><body>${content}</body></html>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
