/** False in a release: the lab, `--lab`, `--user` and `--consent allow` are not in it (INTERFACE "The command"). */
declare const __LAB__: boolean | undefined;

export const withLab = typeof __LAB__ === 'undefined' || __LAB__;

/** What to do where every program is served. */
export const consentMend = withLab
  ? 'start without --lab and --consent allow'
  : 'let the managed settings say "ask" for agents.consent';
