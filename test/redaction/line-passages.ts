/** Headers, cookies, URLs, connection strings, commands and SQL that carry a credential. */
import { passages } from './kind.ts';
import { chosenPassword, madePassword, password } from './named-values.ts';
import type { Pieces } from './pieces.ts';
import { around, secret } from './pieces.ts';
import type { Random } from './random.ts';
import { alphabets } from './random.ts';
import { compactInstant, date, email, host, instant, person, product, zone } from './surroundings.ts';

const basic = (random: Random): string => Buffer.from(`${person(random)}:${password(random)}`).toString('base64');
const urlPassword = (random: Random): Pieces => secret(encodeURIComponent(password(random)));

function withPassword(scheme: string, tail: (random: Random) => string) {
  return (random: Random): Pieces =>
    around`${scheme}://${person(random)}:${urlPassword(random)}@${host(random)}${tail(random)}`;
}

export const headers = passages({
  'bearer header': (random) => around`Authorization: Bearer ${secret(random.word(random.between(24, 64)))}`,
  'bearer header in a command': (random) =>
    around`curl -sS -H "Authorization: Bearer ${secret(random.base62(40))}" https://api.${zone(random)}/v2/${product(random)}`,
  'basic header': (random) => around`Authorization: Basic ${secret(basic(random))}`,
  'proxy header': (random) => around`Proxy-Authorization: Basic ${secret(basic(random))}`,
  'digest header': (random) =>
    around`Authorization: Digest username="${person(random)}", realm="${product(random)}", nonce="${random.hex(32)}", uri="/${product(random)}", response="${secret(random.hex(32))}"`,
  'token header': (random) =>
    around`Authorization: ${random.pick(['Token', 'token', 'ApiKey', 'SSWS'])} ${secret(random.word(40))}`,
  'API key header': (random) =>
    around`${random.pick(['X-API-Key', 'x-api-key', 'X-Auth-Token', 'PRIVATE-TOKEN'])}: ${secret(random.base62(36))}`,
  'set-cookie': (random) =>
    around`Set-Cookie: ${random.pick(['session', 'sessionid', 'sid', 'JSESSIONID', 'PHPSESSID'])}=${secret(random.word(random.between(26, 44)))}; Path=/; HttpOnly; Secure`,
  cookie: (random) =>
    around`Cookie: lang=de; theme=dark; ${random.pick(['session_id', 'auth_session', 'PHPSESSID', 'remember_token'])}=${secret(random.base62(40))}; _seen=1`,
  'express cookie': (random) => around`Cookie: connect.sid=${secret(`s%3A${random.word(32)}.${random.base62(43)}`)}`,
  'AWS signature header': (random) =>
    around`Authorization: AWS4-HMAC-SHA256 Credential=ASIA${random.chars(alphabets.base32, 16)}/${date(random).replaceAll('-', '')}/eu-central-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=${secret(random.hex(64))}`,
  'OAuth answer': (random) =>
    around`{"access_token":"${secret(random.word(48))}","token_type":"Bearer","expires_in":3600,"refresh_token":"${secret(random.word(56))}","scope":"openid"}`,
  'OAuth redirect': (random) =>
    around`https://app.${zone(random)}/callback#access_token=${secret(random.word(48))}&token_type=bearer&expires_in=3600`,
  'OAuth request': (random) =>
    around`grant_type=client_credentials&client_id=${random.uuid()}&client_secret=${secret(random.word(40))}&scope=api`,
});

export const urls = passages({
  'PostgreSQL URL': withPassword('postgres', (random) => `:5432/${product(random)}?sslmode=require`),
  'MySQL URL': withPassword('mysql', (random) => `:3306/${product(random)}`),
  'MongoDB URL': withPassword('mongodb+srv', (random) => `/${product(random)}?retryWrites=true`),
  'Redis URL': (random) =>
    around`${random.pick(['redis', 'rediss'])}://:${urlPassword(random)}@${host(random)}:6379/${random.int(9)}`,
  'AMQP URL': withPassword('amqps', () => ':5671/%2Fprod'),
  'HTTPS URL': withPassword('https', (random) => `/${product(random)}.git`),
  'FTP URL': withPassword('ftp', (random) => `/in/${date(random)}.csv`),
  'SMTP URL': withPassword('smtps', () => ':465'),
  'LDAP URL': withPassword('ldaps', () => '/dc=example,dc=com'),
  'proxy URL': withPassword('http', () => ':3128'),
  'SQLAlchemy URL': withPassword('postgresql+psycopg2', (random) => `/${product(random)}`),
  'Slack webhook': (random) =>
    around`https://hooks.slack.com/services/T${random.chars(alphabets.upperAndDigits, 8)}/B${random.chars(alphabets.upperAndDigits, 10)}/${secret(random.base62(24))}`,
  'Discord webhook': (random) =>
    around`https://discord.com/api/webhooks/1${random.digits(18)}/${secret(random.word(68))}`,
  'Teams webhook': (random) =>
    around`https://${product(random)}.webhook.office.com/webhookb2/${random.uuid()}@${random.uuid()}/IncomingWebhook/${secret(random.hex(32))}/${random.uuid()}`,
  'Azure SAS URL': (random) =>
    around`https://${product(random)}${random.digits(3)}.blob.core.windows.net/exports/${date(random)}.parquet?sv=2023-11-03&st=${date(random)}T00%3A00%3A00Z&se=${date(random)}T00%3A00%3A00Z&sr=b&sp=rl&sig=${secret(encodeURIComponent(random.base64(32)))}`,
  'Logic app URL': (random) =>
    around`https://prod-${random.between(10, 99)}.westeurope.logic.azure.com:443/workflows/${random.hex(32)}/triggers/manual/paths/invoke?api-version=2016-10-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=${secret(random.word(43))}`,
  'Azure function URL': (random) =>
    around`https://${product(random)}.azurewebsites.net/api/${product(random)}?code=${secret(encodeURIComponent(random.base64(40)))}`,
  'AWS pre-signed URL': (random) =>
    around`https://${product(random)}.s3.eu-central-1.amazonaws.com/${random.uuid()}.pdf?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIA${random.chars(alphabets.base32, 16)}%2F${date(random).replaceAll('-', '')}%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=${compactInstant(random)}&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=${secret(random.hex(64))}`,
  'GCS signed URL': (random) =>
    around`https://storage.googleapis.com/${product(random)}/${random.uuid()}?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Date=${compactInstant(random)}&X-Goog-Expires=600&X-Goog-SignedHeaders=host&X-Goog-Signature=${secret(random.hex(512))}`,
  'password reset link': (random) =>
    around`https://app.${zone(random)}/reset?user=${person(random)}&token=${secret(random.word(40))}`,
});

export const connectionStrings = passages({
  'ADO.NET string': (random) =>
    around`Server=tcp:${host(random)},1433;Database=${product(random)};User ID=${person(random)};Password=${secret(madePassword(random))};Encrypt=True;`,
  'ODBC string': (random) =>
    around`Driver={ODBC Driver 18 for SQL Server};Server=${host(random)};Database=${product(random)};Uid=${person(random)};Pwd=${secret(madePassword(random))};Encrypt=yes;`,
  'JDBC URL': (random) =>
    around`jdbc:postgresql://${host(random)}:5432/${product(random)}?user=${person(random)}&password=${urlPassword(random)}&ssl=true`,
  'Oracle JDBC URL': (random) =>
    around`jdbc:oracle:thin:${person(random)}/${secret(random.base62(14))}@//${host(random)}:1521/${product(random).toUpperCase()}`,
  'SQL Server JDBC URL': (random) =>
    around`jdbc:sqlserver://${host(random)}:1433;databaseName=${product(random)};user=${person(random)};password=${secret(madePassword(random))};`,
  'libpq string': (random) =>
    around`host=${host(random)} port=5432 dbname=${product(random)} user=${person(random)} password=${secret(random.base62(18))} sslmode=verify-full`,
  'Azure storage string': (random) =>
    around`DefaultEndpointsProtocol=https;AccountName=${product(random)}${random.digits(3)};AccountKey=${secret(random.base64(64))};EndpointSuffix=core.windows.net`,
  'Service Bus string': (random) =>
    around`Endpoint=sb://${product(random)}.servicebus.windows.net/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=${secret(random.base64(32))}`,
  'IoT Hub string': (random) =>
    around`HostName=${product(random)}.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey=${secret(random.base64(32))}`,
  'Cosmos string': (random) =>
    around`AccountEndpoint=https://${product(random)}.documents.azure.com:443/;AccountKey=${secret(random.base64(64))};`,
});

export const commands = passages({
  'mysql command': (random) =>
    around`mysql -h ${host(random)} -u ${person(random)} -p${secret(random.base62(14))} ${product(random)}`,
  'curl user': (random) =>
    around`curl -fsS -u ${person(random)}:${secret(random.base62(16))} https://${host(random)}/status`,
  'sshpass command': (random) =>
    around`sshpass -p '${secret(chosenPassword(random))}' ssh ${person(random)}@${host(random)}`,
  'psql command': (random) =>
    around`PGPASSWORD=${secret(random.base62(16))} psql -h ${host(random)} -U ${person(random)} -c 'select 1'`,
  'docker login': (random) =>
    around`docker login -u ${person(random)} --password ${secret(random.base62(20))} registry.${zone(random)}`,
  'SQL role': (random) =>
    around`${random.pick(['CREATE ROLE', 'ALTER ROLE', 'CREATE USER'])} ${person(random)} WITH LOGIN PASSWORD '${secret(password(random))}';`,
  'SQL user': (random) => around`CREATE USER '${person(random)}'@'%' IDENTIFIED BY '${secret(password(random))}';`,
  'SQL update': (random) =>
    around`UPDATE accounts SET password = '${secret(password(random))}', updated_at = '${instant(random)}' WHERE email = '${email(random)}'`,
  'German prose': (random) =>
    around`${random.pick(['Das Passwort lautet', 'Dein neues Passwort:', 'Kennwort für den Zugang:'])} ${secret(chosenPassword(random))}`,
  'English prose': (random) =>
    around`${random.pick(['use the password', 'your new password is', 'log in with user ' + person(random) + ' and password'])} ${secret(chosenPassword(random))}`,
});
