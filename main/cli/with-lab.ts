/** False in a release: the lab, `--lab`, `--user` and `--consent allow` are not in it (INTERFACE "The command"). */
declare const __LAB__: boolean | undefined;

export const withLab = typeof __LAB__ === 'undefined' || __LAB__;
