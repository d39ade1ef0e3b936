/** Source hosting, package registries, builds, and models. */
import { isRandom } from './likeness.ts';
import { named, prefixed, type SecretRule } from './rule.ts';

const alnum = '[A-Za-z0-9]';
const word = '[A-Za-z0-9_-]';

export const codeRules: readonly SecretRule[] = [
  // The checksum at the end of GitHub's and npm's tokens is not asked: it would only let through what was copied badly.
  prefixed('GitHub token', ['ghp_', 'gho_', 'ghu_', 'ghr_'], `${alnum}{36,255}`),
  prefixed('GitHub token', ['ghs_'], '[A-Za-z0-9_.-]{36,1024}'),
  prefixed('GitHub token', ['github_pat_'], '[A-Za-z0-9_]{60,255}'),
  prefixed(
    'GitLab token',
    [
      'glpat-',
      'gldt-',
      'glrt-',
      'glcbt-',
      'glptt-',
      'glft-',
      'glimt-',
      'glagent-',
      'gloas-',
      'glsoat-',
      'glffct-',
      'glwt-',
      'glrtr-',
    ],
    `${word}{20,300}(?:\\.[0-9a-z]{2,9}){0,2}`,
  ),
  prefixed('GitLab runner token', ['GR1348941'], `${word}{20,40}`),
  prefixed('Bitbucket app password', ['ATBB'], `${alnum}{24,40}`),
  prefixed('Atlassian token', ['ATATT3x', 'ATCTT3x', 'ATSTT3x'], '[A-Za-z0-9_=-]{50,400}'),
  { ...named('Atlassian token', ['atlassian', 'jira', 'confluence', 'bitbucket'], `${alnum}{20,44}`), check: isRandom },
  { ...prefixed('npm token', ['npm_'], `${alnum}{36,100}`), check: isRandom },
  {
    kind: 'npm token',
    keywords: ['_authToken', '_auth=', '_password='],
    pattern: `(?:_authToken|_auth|_password)\\s{0,2}=\\s{0,2}["']?(?<secret>[A-Za-z0-9_+/=.-]{16,512})`,
  },
  prefixed('PyPI token', ['pypi-AgE'], `${word}{50,1024}`),
  prefixed('RubyGems key', ['rubygems_'], '[0-9a-f]{48}'),
  prefixed('NuGet key', ['oy2'], '[a-z0-9]{43}(?![A-Za-z0-9])'),
  { ...prefixed('crates.io token', ['cio'], `${alnum}{32}(?![A-Za-z0-9])`), check: isRandom },
  prefixed('Docker Hub token', ['dckr_pat_', 'dckr_oat_'], `${word}{27,64}`),
  prefixed('Artifactory token', ['AKCp', 'cmVmdGtu'], `${alnum}{50,120}`),
  prefixed('Clojars token', ['CLOJARS_'], '[0-9a-f]{60}'),
  prefixed('CircleCI token', ['CCIPAT_', 'CCIPRJ_'], `${word}{40,80}`),
  { ...named('CircleCI token', ['circleci', 'circle_', 'circle-token'], '[0-9a-f]{40}'), check: isRandom },
  prefixed('Buildkite token', ['bkua_', 'bkat_'], `${alnum}{40,60}`),
  prefixed('SonarQube token', ['sqp_', 'squ_', 'sqa_'], '[0-9a-f]{40}'),
  prefixed('Postman key', ['PMAK-'], `${alnum}{24}-${alnum}{34}`),
  prefixed('Sourcegraph token', ['sgp_', 'sgd_'], '[A-Za-z0-9_]{40,90}'),
  { ...prefixed('Hugging Face token', ['hf_', 'api_org_'], `${alnum}{30,60}(?![A-Za-z0-9_])`), check: isRandom },
  prefixed('Anthropic API key', ['sk-ant-'], `${word}{32,200}`),
  prefixed('OpenRouter key', ['sk-or-v1-'], '[0-9a-f]{64}'),
  { ...prefixed('OpenAI API key', ['sk-'], `(?:(?:proj|svcacct|admin|None)-)?${word}{20,300}`), check: isRandom },
  { ...prefixed('Replicate token', ['r8_'], `${alnum}{37,40}(?![A-Za-z0-9])`), check: isRandom },
  prefixed('Groq key', ['gsk_'], `${alnum}{40,64}`),
  prefixed('xAI key', ['xai-'], `${alnum}{60,100}`),
  prefixed('Perplexity key', ['pplx-'], `${alnum}{40,64}`),
  prefixed('Google Gemini key', ['AQ.Ab'], `${word}{40,80}`),
  prefixed('LangSmith key', ['lsv2_'], '(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}'),
  prefixed('Pinecone key', ['pcsk_'], '[A-Za-z0-9_]{40,90}'),
  { ...named('Cohere API key', ['cohere', 'co_api'], `${alnum}{40}`), check: isRandom },
  { ...named('Mistral API key', ['mistral'], `${alnum}{32}`), check: isRandom },
];
