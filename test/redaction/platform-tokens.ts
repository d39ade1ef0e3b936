/** Tokens of code hosts, clouds and package registries, by the vendors' public formats. */
import { base62Checksum, hexChecksum } from './checksum.ts';
import { tokens } from './kind.ts';
import type { Random } from './random.ts';
import { alphabets } from './random.ts';

function checked(prefix: string, length: number) {
  return (random: Random): string => {
    const body = random.base62(length);
    return prefix + body + base62Checksum(body);
  };
}

const gitlab = (prefix: string, length: number) => (random: Random) => `gl${prefix}-${random.word(length)}`;

const base64url = (random: Random, byteLength: number): string => random.bytes(byteLength).toString('base64url');

export const codeHosts = tokens({
  'GitHub personal access token': checked('ghp_', 30),
  'GitHub OAuth token': checked('gho_', 30),
  'GitHub user-to-server token': checked('ghu_', 30),
  'GitHub server-to-server token': checked('ghs_', 30),
  'GitHub refresh token': checked('ghr_', 70),
  'GitHub fine-grained token': (random) => {
    const body = `${random.base62(22)}_${random.base62(53)}`;
    return 'github_pat_' + body + base62Checksum(body);
  },
  'GitLab personal access token': gitlab('pat', 20),
  'GitLab routable token': (random) =>
    `${gitlab('pat', 27)(random)}.${random.chars(alphabets.lowerAndDigits, 2)}.${random.chars(alphabets.lowerAndDigits, 9)}`,
  'GitLab deploy token': gitlab('dt', 20),
  'GitLab runner token': gitlab('rt', 20),
  'GitLab trigger token': (random) => `glptt-${random.hex(40)}`,
  'GitLab agent token': gitlab('agent', 50),
  'Bitbucket app password': (random) => {
    const body = random.base62(24);
    return 'ATBB' + body + hexChecksum(body).toUpperCase();
  },
  'Atlassian API token': (random) => {
    const body = 'ATATT3xFfGF0' + random.word(random.between(170, 176));
    return `${body}=${hexChecksum(body).toUpperCase()}`;
  },
  'CircleCI token': (random) => `CCIPAT_${random.chars(alphabets.base58, 22)}_${random.hex(40)}`,
  'Buildkite token': (random) => `bkua_${random.hex(40)}`,
  'SonarQube token': (random) => `sq${random.pick(['p', 'u', 'a'])}_${random.hex(40)}`,
});

export const clouds = tokens({
  'AWS access key id': (random) => `AKIA${random.chars(alphabets.base32, 16)}`,
  'AWS temporary access key id': (random) => `ASIA${random.chars(alphabets.base32, 16)}`,
  'GCP API key': (random) => `AIzaSy${random.word(33)}`,
  'GCP OAuth client secret': (random) => `GOCSPX-${random.word(28)}`,
  'GCP access token': (random) => `ya29.a0A${random.word(random.between(150, 210))}`,
  'GCP refresh token': (random) => `1//0${random.digits(1)}${random.word(random.between(60, 96))}`,
  'Entra client secret': (random) =>
    `${random.base62(3)}${random.digits(1)}Q~${random.word(random.between(31, 33))}${random.base62(1)}`,
  'Azure DevOps token': (random) =>
    `${random.base62(52)}JQQJ99${random.chars(alphabets.upperAndDigits, 18)}AZDO${random.base62(4)}`,
  'DigitalOcean token': (random) => `do${random.pick(['p', 'o', 'r'])}_v1_${random.hex(64)}`,
  'Heroku token': (random) => `HRKU-AA${random.word(58)}`,
  'Databricks token': (random) => `dapi${random.hex(32)}${random.pick(['', '-2', '-3'])}`,
  'Vault service token': (random) => `hvs.CAES${random.word(random.between(86, 110))}`,
  'Vault batch token': (random) => `hvb.AAAAAQ${random.word(random.between(132, 200))}`,
  'Terraform Cloud token': (random) => `${random.base62(14)}.atlasv1.${random.word(random.between(62, 68))}`,
  'Pulumi token': (random) => `pul-${random.hex(40)}`,
  'Doppler personal token': (random) => `dp.pt.${random.base62(43)}`,
  'Doppler service token': (random) => `dp.st.${random.pick(['prd', 'dev', 'stg_eu'])}.${random.base62(43)}`,
  '1Password service account': (random) =>
    'ops_' +
    Buffer.from(`{"signInAddress":"my.1password.com","deviceUuid":"${base64url(random, 180)}"}`).toString('base64url'),
  'age secret key': (random) => `AGE-SECRET-KEY-1${random.chars(alphabets.bech32, 58)}`,
  'Supabase token': (random) => `sbp_${random.hex(40)}`,
  'PlanetScale password': (random) => `pscale_pw_${random.word(43)}`,
});

export const registries = tokens({
  'npm token': checked('npm_', 30),
  'PyPI token': (random) => `pypi-AgEIcHlwaS5vcmc${random.word(random.between(140, 170))}`,
  'RubyGems key': (random) => `rubygems_${random.hex(48)}`,
  'NuGet key': (random) => `oy2${random.chars(alphabets.lowerAndDigits, 43)}`,
  'crates.io token': (random) => `cio${random.base62(32)}`,
  'Docker Hub token': (random) => `dckr_pat_${random.word(27)}`,
  'Artifactory key': (random) => `AKCp${random.base62(69)}`,
  'Clojars token': (random) => `CLOJARS_${random.hex(60)}`,
});
