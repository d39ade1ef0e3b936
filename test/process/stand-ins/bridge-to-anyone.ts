/** The bridge, but for its look at who listens: for gateways that tests stand in for. */
import { runBridge } from '../../../main/cli/bridge/program.ts';

await runBridge(() => Promise.resolve(undefined));
