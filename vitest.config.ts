import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const asRoot = '**/*.root.test.ts';
const alone = 'test/process/{conformance,wrapped-conformance}.test.ts';
/** Of each project, from the longest on: one that came late would run on alone. */
const longest = [
  'connector-command',
  'window-states',
  'kill',
  'packed',
  'connector-dev',
  'approvals',
  'access-ends',
  'proxy',
  'gateway-life',
  'tray',
  'http-flood',
  'identity',
  'access-window',
  'credential-histories',
  'every-frame',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at === -1 ? longest.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
const never = ['**/node_modules/**', 'dist*/**', 'out/**'];

export default defineConfig({
  // Only out/ may be written to where root's copy of the checkout is tested.
  cacheDir: 'out/vite',
  test: {
    fsModuleCache: false,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            '{main,renderer,connector-host,build,bin}/**/*.test.ts',
            'test/{architecture,contract,types,lab,redaction}/**/*.test.ts',
          ],
          exclude: [asRoot, ...never],
          // Files of one worker share what they import.
          isolate: false,
          // The default leaves one processor of two to nobody.
          maxWorkers: 2,
          // The default of five seconds is an assertion on time.
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        // Each file starts whole families of processes: more than three at once only make them wait for each other.
        test: {
          name: 'process',
          include: ['test/{process,attacks,e2e}/**/*.test.ts'],
          exclude: [asRoot, alone, ...never],
          maxWorkers: 3,
          // The default of a second is an assertion on time.
          expect: { poll: { timeout: 30_000 } },
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        // The official suite allows an answer 600 ms: nothing else runs beside these two.
        test: {
          name: 'alone',
          include: [alone],
          exclude: never,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: { name: 'root', include: [asRoot], exclude: never, fileParallelism: false, testTimeout: 60_000 },
      },
    ],
  },
});
