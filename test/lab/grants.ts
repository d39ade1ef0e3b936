/** Ends what the provider gave a person: their browser sessions, and their grants with every refresh token of them. */
import type Provider from 'oidc-provider';

/** Answers how to end all of one subject's. */
export function watchGrants(provider: Provider): (subject: string) => Promise<void> {
  const grants = new Map<string, string>();
  const sessions = new Map<string, string>();
  provider.on('grant.saved', ({ jti, accountId }) => {
    if (accountId !== undefined) grants.set(jti, accountId);
  });
  provider.on('grant.destroyed', ({ jti }) => grants.delete(jti));
  provider.on('session.saved', ({ uid, accountId }) => {
    if (accountId !== undefined) sessions.set(uid, accountId);
  });
  provider.on('session.destroyed', ({ uid }) => sessions.delete(uid));
  const of = (map: ReadonlyMap<string, string>, subject: string) =>
    [...map].filter(([, owner]) => owner === subject).map(([id]) => id);
  return async (subject) => {
    for (const id of of(sessions, subject)) await (await provider.Session.findByUid(id))?.destroy();
    for (const id of of(grants, subject)) await (await provider.Grant.find(id))?.destroy();
  };
}
