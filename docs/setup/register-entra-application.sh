#!/bin/sh
# Registers Sallyport as an application in Microsoft Entra with what it needs and nothing more. Written to the published Azure CLI
# (2.37 or newer) and tried with a stand-in for it, not against Azure. Running it again changes nothing that is right already.
#
#   register-entra-application.sh [--name NAME] [--print] API_SCOPE...
#
#   API_SCOPE   what connectors need, as it stands in identity.scopes: api://orders/read
#   --name      of the application (default: Sallyport)
#   --print     says what would be done; reads from the directory, writes nothing
#
# The application has one tenant, is a public client with the redirect http://localhost, has delegated permissions only (openid, profile,
# email, offline_access and those given), groups assigned to it in its tokens, no secret, no implicit flow. Consent is not given here.
set -eu

graph=00000003-0000-0000-c000-000000000000
# Ids of Microsoft Graph's delegated permissions: openid, profile, email, offline_access.
graph_scopes='37f7f235-527c-4136-accd-4a02d197296e 14dad69e-099b-42c9-810b-d002981feec1 64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0 7427e0e9-2fba-42fe-b0c0-848c9e6a8182'
# auth_time: without it a service that asks for a new sign-in (max_age) is never satisfied.
claims='{"idToken":[{"name":"auth_time","essential":false}],"accessToken":[],"saml2Token":[]}'
name=Sallyport
print=no

refuse() {
  printf '%s\n' "register-entra-application: $1" >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case $1 in
    --print) print=yes ;;
    --name)
      [ $# -ge 2 ] || refuse '--name needs a name'
      name=$2
      shift
      ;;
    -h | --help)
      sed -n '2,14s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    -*) refuse "unknown option $1" ;;
    *) break ;;
  esac
  shift
done
# It becomes part of a query.
case $name in '' | *[!A-Za-z0-9\ ._-]*) refuse 'a name is made of letters, digits, spaces and . _ -' ;; esac
[ $# -gt 0 ] || refuse 'name the API scopes that connectors need, such as api://orders/read'
command -v az >/dev/null || refuse 'the Azure CLI (az) is not here: https://learn.microsoft.com/cli/azure/install-azure-cli'
tenant=$(az account show --query tenantId --output tsv) || refuse 'run: az login --allow-no-subscriptions'

# Writes to the directory, or says so.
write() {
  if [ "$print" = yes ]; then
    printf 'would run: az'
    printf " '%s'" "$@"
    printf '\n'
  else
    az "$@" --output none
  fi
}

# {"resourceAppId":…,"resourceAccess":[{"id":…,"type":"Scope"}]}: delegated permissions only.
access() {
  resource=$1
  shift
  list=
  for id in "$@"; do list="$list${list:+,}{\"id\":\"$id\",\"type\":\"Scope\"}"; done
  printf '{"resourceAppId":"%s","resourceAccess":[%s]}' "$resource" "$list"
}

# Ids come from the directory: anything else there would end up in JSON.
guid() {
  case $1 in *[!0-9a-fA-F-]* | '') refuse "$2" ;; esac
}

# One `resource permission` a line, then one entry a resource, as the directory keeps them.
wanted=
for scope in "$@"; do
  api=${scope%/*}
  value=${scope##*/}
  [ "$api" != "$scope" ] && [ -n "$value" ] || refuse "$scope is not of the form api://NAME/SCOPE"
  case $scope in *[!A-Za-z0-9:/._-]*) refuse "$scope has characters that no scope has" ;; esac
  resource=$(az ad sp show --id "$api" --query appId --output tsv) || refuse "no API $api in tenant $tenant: register it first"
  permission=$(az ad sp show --id "$api" --query "oauth2PermissionScopes[?value=='$value' && isEnabled].id | [0]" --output tsv)
  guid "$resource" "$api has no usable application id"
  guid "$permission" "$api exposes no scope $value: expose it first"
  wanted="$wanted$resource $permission
"
done
accesses=$(access "$graph" $graph_scopes)
for resource in $(printf '%s' "$wanted" | cut -d ' ' -f 1 | sort -u); do
  accesses="$accesses,$(access "$resource" $(printf '%s' "$wanted" | sed -n "s/^$resource //p" | sort -u))"
done

app=$(az ad app list --filter "displayName eq '$name'" --query '[].appId' --output tsv)
case $app in
  *[[:space:]]*) refuse "several applications are named $name: give another --name" ;;
esac
if [ -n "$app" ]; then
  guid "$app" 'the application that was found has no usable id'
  # Numbers of each; all are 0 in what this script made.
  odd=$(az ad app show --id "$app" --query "[length(passwordCredentials),length(keyCredentials),length(web.redirectUris || \`[]\`),length(spa.redirectUris || \`[]\`)]" --output tsv | tr -d '[:space:]0')
  [ -z "$odd" ] || refuse "$name ($app) has a secret, a certificate, or a redirect for web pages. A desktop client has none: remove them, or give another --name"
fi

set -- --sign-in-audience AzureADMyOrg --public-client-redirect-uris http://localhost \
  --enable-id-token-issuance false --enable-access-token-issuance false --is-fallback-public-client false \
  --required-resource-accesses "[$accesses]" --optional-claims "$claims"
if [ -n "$app" ]; then
  write ad app update --id "$app" "$@"
elif [ "$print" = yes ]; then
  app=APPLICATION-ID
  write ad app create --display-name "$name" "$@"
else
  app=$(az ad app create --display-name "$name" "$@" --query appId --output tsv)
  guid "$app" 'the directory did not say which application it made'
fi
write ad app update --id "$app" --set groupMembershipClaims=ApplicationGroup
if [ "$app" = APPLICATION-ID ] || ! az ad sp show --id "$app" --query appId --output none 2>/dev/null; then
  write ad sp create --id "$app"
fi

printf '%s\n' "identity.authority: https://login.microsoftonline.com/$tenant" "identity.clientId: $app" \
  'Next: assign people and groups to it, and have an administrator grant consent (docs/setup/entra.md).'
