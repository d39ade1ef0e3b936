/** Pieces of configuration files that hold a credential. */
import { passages } from './kind.ts';
import { madePassword, password } from './named-values.ts';
import { around, secret } from './pieces.ts';
import { alphabets } from './random.ts';
import { email, host, person, product, zone, privateKey } from './surroundings.ts';

export const files = passages({
  netrc: (random) =>
    around`machine ${host(random)}\n  login ${person(random)}\n  password ${secret(random.base62(20))}\n`,
  'netrc in one line': (random) =>
    around`machine ${host(random)} login ${person(random)} password ${secret(random.base62(20))}`,
  'npmrc token': (random) =>
    around`registry=https://npm.${zone(random)}/\n//npm.${zone(random)}/:_authToken=${secret(random.uuid())}\nalways-auth=true\n`,
  'npmrc password': (random) =>
    around`//npm.${zone(random)}/:username=${person(random)}\n//npm.${zone(random)}/:_password=${secret(Buffer.from(madePassword(random)).toString('base64'))}\n`,
  pgpass: (random) => around`${host(random)}:5432:${product(random)}:${person(random)}:${secret(random.base62(18))}`,
  'docker configuration': (random) =>
    around`{\n  "auths": {\n    "registry.${zone(random)}": {\n      "auth": "${secret(Buffer.from(`${person(random)}:${madePassword(random)}`).toString('base64'))}"\n    }\n  }\n}\n`,
  'kubeconfig token': (random) =>
    around`users:\n- name: ${person(random)}@${product(random)}\n  user:\n    token: ${secret(random.word(random.between(40, 90)))}\ncurrent-context: ${product(random)}\n`,
  'kubeconfig client key': (random) =>
    around`users:\n- name: ${person(random)}\n  user:\n    client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUM${random.base64(300)}\n    client-key-data: ${secret(Buffer.from(`-----BEGIN EC ${privateKey}-----\nMHcCAQEE${random.base64(114)}\n-----END EC ${privateKey}-----\n`).toString('base64'))}\n`,
  'Kubernetes secret': (random) =>
    around`apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${product(random)}\ntype: Opaque\ndata:\n  username: ${Buffer.from(person(random)).toString('base64')}\n  password: ${secret(Buffer.from(password(random)).toString('base64'))}\n`,
  'Kubernetes secret, in clear': (random) =>
    around`apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${product(random)}\nstringData:\n  api-key: ${secret(random.base62(32))}\n`,
  'AWS credentials file': (random) =>
    around`[${product(random)}]\naws_access_key_id = ${secret(`AKIA${random.chars(alphabets.base32, 16)}`)}\naws_secret_access_key = ${secret(random.chars(alphabets.base64, 40))}\nregion = eu-central-1\n`,
  'Maven settings': (random) =>
    around`<server>\n  <id>${product(random)}</id>\n  <username>${person(random)}</username>\n  <password>${secret(random.base62(18))}</password>\n</server>\n`,
  'WordPress configuration': (random) =>
    around`define('DB_NAME', '${product(random)}');\ndefine('DB_USER', '${person(random)}');\ndefine('DB_PASSWORD', '${secret(madePassword(random))}');\n`,
  'Terraform block': (random) =>
    around`resource "aws_db_instance" "${product(random)}" {\n  engine   = "postgres"\n  username = "${person(random)}"\n  password = "${secret(random.base62(20))}"\n}\n`,
  'compose file': (random) =>
    around`services:\n  db:\n    image: postgres:17\n    environment:\n      POSTGRES_USER: ${person(random)}\n      POSTGRES_PASSWORD: ${secret(random.base62(20))}\n`,
  'Spring properties': (random) =>
    around`spring.datasource.url=jdbc:postgresql://${host(random)}/${product(random)}\nspring.datasource.username=${person(random)}\nspring.datasource.password=${secret(random.base62(18))}\n`,
  'env file': (random) =>
    around`NODE_ENV=production\nPORT=${random.between(3000, 9000)}\nSMTP_USER=${email(random)}\nSMTP_PASS=${secret(madePassword(random))}\nLOG_LEVEL=info\n`,
  'my.cnf': (random) =>
    around`[client]\nhost=${host(random)}\nuser=${person(random)}\npassword=${secret(random.base62(18))}\n`,
  'LDIF entry': (random) =>
    around`dn: uid=${person(random)},ou=people,dc=example,dc=com\nuserPassword:: ${secret(Buffer.from(password(random)).toString('base64'))}\n`,
  'Wi-Fi profile': (random) =>
    around`network={\n  ssid="${product(random)}"\n  psk="${secret(random.base62(16))}"\n}\n`,
  'WireGuard configuration': (random) =>
    around`[Interface]\nAddress = 10.8.0.${random.between(2, 250)}/24\nPrivateKey = ${secret(random.base64(32))}\n\n[Peer]\nAllowedIPs = 0.0.0.0/0\n`,
  'Rails credentials': (random) =>
    around`production:\n  secret_key_base: ${secret(random.hex(128))}\n  host: ${host(random)}\n`,
  'Helm values': (random) =>
    around`auth:\n  enabled: true\n  username: ${person(random)}\n  existingSecret: ""\n  password: "${secret(random.base62(18))}"\nreplicas: ${random.between(1, 9)}\n`,
});
