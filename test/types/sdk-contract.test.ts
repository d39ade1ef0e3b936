/** The SDK says its types itself, so that it stands alone as a package: here they are the contract's. */
import { expectTypeOf, it } from 'vitest';
import type * as sdk from '../../connector-host/sdk/sdk.ts';
import type { Asks } from '../../main/contract/call.ts';
import type { ConnectorResult, LogLevel } from '../../main/contract/channels.ts';
import type { AskKind } from '../../main/contract/manifest.ts';

it('the SDK’s words are the contract’s', () => {
  expectTypeOf<sdk.LogLevel>().toEqualTypeOf<LogLevel>();
  expectTypeOf<sdk.AskKind>().toEqualTypeOf<AskKind>();
  expectTypeOf<sdk.Questions>().toEqualTypeOf<Asks['requests']>();
  expectTypeOf<sdk.ConnectorCode>().toEqualTypeOf<Extract<ConnectorResult, { ok: false }>['code']>();
});
