import { projectWithFiles } from './template-files.ts';

/**
 * What `referry init --pipeline export-share-links` puts into a new project folder: paths and their text. `folder`: where that will be;
 * absolute.
 */
export function linksTemplate(folder: string): Record<string, string> {
  return projectWithFiles(folder, {
    path: 'jobs/share-links.yaml',
    ...{ job: JOB, environment: ENVIRONMENT, readme: README },
  });
}

const JOB = `# yaml-language-server: $schema=./job.schema.json
#
# A share link in every contact of HubSpot: contacts that have none are looked for, each gets a link at Extole, and the link is put into
# the contact. The lines you need are here; those that start with "# " and hold a setting are defaults or alternatives.
# \`referry check\` lists everything that is wrong or missing.
#
# \${env:NAME} stands for the environment variable NAME, \${env:NAME:-text} for \`text\` where NAME is not set, and
# \${file:/path} for what a file holds. Keep passwords, keys and tokens out of this file that way.

# The job's lasting name. Links are remembered under it, so keep it when you rename this file.
id: share-links
pipeline: export-share-links
description: Share links for the contacts of HubSpot

# When the daemon runs it: minute, hour, day of the month, month, day of the week.
schedule: "*/30 * * * *"
timezone: America/New_York

# ---- where results and reports go, and customer files come from -------------------------------------------------------
# They are folders beside this one. It may be on an SFTP server as well: sftp://user@host/inbox with password or privateKey, and hostKey.
source:
  url: "\${env:REFERRY_INBOX_URL:-<files>/inbox}"
  # match: "customers-*.csv" # for customers.from: inbox

# ---- whom -------------------------------------------------------------------------------------------------------------
customers:
  from: hubspot # contacts that have no share link
  hubspot:
    account: my-company # your name for the HubSpot account
    token: "\${env:HUBSPOT_TOKEN}" # of a private app with crm.objects.contacts.read and .write, and crm.schemas.contacts.write
    url: "\${env:HUBSPOT_URL:-https://api.hubapi.com}"
    # property: share_link # contacts without a value in it are the customers
    # timezone: America/New_York # the account's: its limit of calls a day begins anew at midnight there
  # Or from files in the inbox. One of email and partnerUserId is needed:
  # from: inbox
  # email: email
  # partnerUserId: member_id
  # Or everybody in rows that other jobs delivered:
  # from: ledger
  # ledger: { jobs: [account-openings], events: [account_opened] }

# ---- the links --------------------------------------------------------------------------------------------------------
links:
  label: refer-a-friend # the program's label, as My Extole shows it; a person has one link for each label
  # The last part of the link. Without it Extole chooses. A code that is taken gets a number.
  # code: { template: "{first_name}" }
  # data: { source: hubspot } # kept with the link at Extole
  # programUrl: https://share.example.com # where the account has several programs

destination:
  extole:
    account: my-company # your name for the Extole account
    token: "\${env:EXTOLE_TOKEN}"
    container: production
    # Extole itself, unless the environment names a stand-in, as that of \`referry sandbox\` does.
    apiUrl: "\${env:EXTOLE_API_URL:-https://api.extole.io}"
    # requestsPerMinute: 100 # Extole's limit; a person takes two to four requests
# Links of people who come by themselves, as Extole posts them to the daemon: "Webhooks" in docs/operations.md of referry.
# receive:
#   key: "\${env:EXTOLE_WEBHOOK_KEY}"

# ---- where the links go -----------------------------------------------------------------------------------------------
push:
  - provider: hubspot
    account: my-company
    token: "\${env:HUBSPOT_TOKEN}"
    url: "\${env:HUBSPOT_URL:-https://api.hubapi.com}"
    # The property of the contact, and what it gets. Properties are made where they are missing.
    fields: { share_link: "{link}", share_code: "{code}" }
    # createMissing: false # do not make contacts for people whom HubSpot does not know
  # Others: sfmc, klaviyo, iterable, braze; see docs/share-links.md of referry.
# Files for import: hubspot-csv, sfmc-csv, klaviyo-csv, iterable-csv, braze-csv, plain-csv.
# exports:
#   - format: klaviyo-csv
#     to: { url: "<files>/outbox" }

report: { to: results, reports: reports }

# ---- who is told ------------------------------------------------------------------------------------------------------
# What needs a person is told once, and once when it is solved. \`referry notify-test share-links\` tries it.
# notify:
#   - slack: { url: "\${env:SLACK_WEBHOOK}" }
`;

const ENVIRONMENT = `# Copy to .env, fill in, and load it before referry:  set -a; . ./.env; set +a
EXTOLE_TOKEN=
HUBSPOT_TOKEN=
`;

const README = `# Share links

\`\`\`sh
cp .env.example .env               # then fill in the two tokens
set -a; . ./.env; set +a
referry check                      # everything that is wrong with the job, without a network
referry doctor                     # tries Extole and HubSpot: tokens, scopes, and how many contacts have no link
referry run share-links            # makes the links and puts them into the contacts
referry status                     # what became of them, and what needs you
referry daemon                     # from now on, on the schedule of the job
\`\`\`

Results of each run are in \`files/results\`, reports in \`files/reports\`. Contacts that have a link are not looked at again.

To try it without any account, start the stand-ins in another terminal, and load the environment that they print in place of .env. Their HubSpot
knows five contacts:

\`\`\`sh
referry sandbox > sandbox.env      # terminal 1; runs until Ctrl-C
set -a; . ./sandbox.env; set +a    # terminal 2
referry run share-links
\`\`\`

After an update of referry, \`referry schema --out jobs/job.schema.json\` renews what your editor completes and checks jobs with.
`;
