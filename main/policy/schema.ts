/** What policies can talk about. A policy that names anything else does not load. */
export const schemaText = `
namespace Sallyport {
  entity Person = {
    issuer: String,
    username: String,
    roles: Set<String>,
    groups: Set<String>,
    authenticationMethods: Set<String>,
  };
  entity Tool = {
    connector: String,
    operation: String,
    classification: String,
    destination: String,
  };
  action "call" appliesTo {
    principal: [Person],
    resource: [Tool],
    context: {
      program: String,
      signedInAt: Long,
      resource: String,
    },
  };
}
`;
