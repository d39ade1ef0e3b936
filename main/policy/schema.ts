/** What policies can talk about. A policy that names anything else does not load. */
import type { ToolManifest } from '../contract/manifest.ts';

export const schemaText = `
namespace Sallyport {
  entity Person = {
    issuer: String,
    username: String,
    tenant?: String,
    roles: Set<String>,
    groups: Set<String>,
    authenticationMethods: Set<String>,
  };
  entity Tool = {
    connector: String,
    operation: String,
    classification: String,
    destination: String,
    destinations: Set<String>,
  };
  action "call";
  action "read", "write", "admin" in ["call"] appliesTo {
    principal: [Person],
    resource: [Tool],
    context: {
      program: String,
      executable?: String,
      signedInAt: Long,
      resource: String,
    },
  };
}
`;

export const names = { person: 'Sallyport::Person', tool: 'Sallyport::Tool', action: 'Sallyport::Action' } as const;

/** Every call: the group of all three operations. */
export const anyCall = 'call';

export type Operation = ToolManifest['operation'];
