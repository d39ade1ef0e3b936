/** Whether each process runs under its own profile of AppArmor, or type of SELinux (entitlements/linux), in force. */
import type { Finding, ProcessKind } from '../contract/control.ts';

export interface Labelled {
  readonly what: string;
  readonly kind: ProcessKind;
  /** /proc/PID/attr/current; nothing where neither is on. */
  readonly profile: string | undefined;
}

const what = 'profiles';
/** An exchange cannot leave the vault's; what else runs behind bubblewrap or the launcher has a connector's. */
const shared: Partial<Record<ProcessKind, ProcessKind>> = {
  exchange: 'vault',
  interceptor: 'connector',
  server: 'connector',
};

/** @param selinuxEnforces false also where SELinux is not on */
export function profileFinding(processes: readonly Labelled[], selinuxEnforces: boolean): Finding {
  if (processes.every(({ profile }) => profile === undefined))
    return { level: 'skipped', what, why: 'neither AppArmor nor SELinux is on' };
  const without = processes.flatMap((each) => {
    const problem = problemOf(each, selinuxEnforces);
    return problem === undefined ? [] : [`${each.what} (${problem})`];
  });
  if (without.length === 0) return { level: 'ok', what, why: 'every process runs under its own, enforced' };
  return {
    level: 'weaker',
    what,
    why: `none of their own in force for ${without.join(', ')}`,
    mend: 'install the package and load its profiles in enforce mode; "up --headless" cannot have all (docs/setup/linux-profiles.md)',
  };
}

/** `NAME (MODE)` of AppArmor; `USER:ROLE:TYPE:LEVEL` of SELinux. */
function problemOf({ kind, profile }: Labelled, selinuxEnforces: boolean): string | undefined {
  if (profile === undefined) return 'not seen';
  const type = /^[^:\s]+:[^:\s]+:([^:\s]+)(:|$)/.exec(profile)?.[1];
  if (type !== undefined) {
    if (type !== (kind === 'shell' ? 'sallyport_shell_t' : 'sallyport_t')) return type;
    return selinuxEnforces ? undefined : 'permissive';
  }
  const [, name, mode] = /^(.+?)(?: \(([^()]*)\))?$/.exec(profile) ?? [];
  if (name !== `sallyport-${shared[kind] ?? kind}`) return name ?? 'not seen';
  return mode === 'enforce' ? undefined : (mode ?? 'no mode');
}
