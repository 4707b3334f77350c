/** What `referry init` puts into a new project folder: paths and their text. */
export function projectTemplate(): Record<string, string> {
  return { 'jobs/example.yaml': JOB, '.env.example': ENVIRONMENT, '.gitignore': IGNORED, 'README.md': README };
}

const JOB = `# yaml-language-server: $schema=./job.schema.json
#
# One job: which files to take, how to read them, what to send. The lines you need are here; those that start with "# "
# and hold a setting are defaults or alternatives. \`referry check\` lists everything that is wrong or missing.
#
# \${env:NAME} stands for the environment variable NAME, \${env:NAME:-text} for \`text\` where NAME is not set, and
# \${file:/path} for what a file holds. Keep passwords, keys and tokens out of this file that way.

# The job's lasting name. Files are remembered under it, so keep it when you rename this file.
id: example
pipeline: deliver-events
description: Accounts opened, from our core system

# When the daemon runs it: minute, hour, day of the month, month, day of the week.
schedule: "*/15 6-22 * * 1-5"
timezone: America/New_York

# ---- where the files come from --------------------------------------------------------------------------------------
source:
  url: "\${env:REFERRY_SFTP_URL}" # sftp://user@host/inbox, or file:///srv/inbox for a folder of this machine
  password: "\${env:REFERRY_SFTP_PASSWORD}" # or privateKey: "\${file:../secrets/sftp_key}"
  # An unknown server is not trusted. \`referry doctor\` shows its fingerprint, to be put here or in the environment:
  hostKey: "\${env:REFERRY_SFTP_HOST_KEY}" # SHA256:...
  match: "account-openings-*.csv"
  stable: { for: 60s } # a file is taken when it has not changed for so long
  # stable: { marker: "{name}.done" } # or as soon as this file is beside it
  # Folders beside the inbox. They are made where they are missing.
  # processing: processing
  # archive: archive
  # refused: refused

# ---- how they are read ----------------------------------------------------------------------------------------------
file:
  format: auto # csv, psv, tsv, json or jsonl; gzip is recognised by itself
  header: { mode: subset, onDrift: fail } # all columns named below must be there, others may come and go
  # maxRejected: 0.5 # hold the file when more than this share of its rows is bad
  # A last record such as TRAILER,1200,98765.40 proves that the file is complete:
  # trailer: { startsWith: TRAILER, count: 2, sums: { opening_deposit: 3 } }

# ---- how a row becomes an event -------------------------------------------------------------------------------------
event:
  name: account_opened
  # The column with your own unique id of what the row states (an application, order or policy; not a person). Each key
  # is delivered once, and is at most 38 characters long.
  key: application_id
  # Dates are read as declared and never guessed. A date without a time of day stands for the end of that day.
  time: { from: opened_on, format: MM/dd/yyyy, timezone: America/New_York }
  # What Extole gets: its field on the left, your column on the right. One of email and partner_user_id is needed.
  data:
    email: email
    partner_user_id: member_id
    first_name: first_name
    last_name: last_name
    product: { from: product_code, map: { CHK: checking, SAV: savings } } # a row with another code is rejected
    cart_value: { from: opening_deposit, type: money, currency: USD, locale: en } # en: 1,234.50
    # phone: { from: phone, type: phone, callingCode: "1" }
    # channel: { from: channel, lower: true, default: branch }
    # source: { const: core-system }
    # display_name: { template: "{first_name} {last_name}" }
  # passthrough: [branch_id] # more columns, sent under their own names
  # maxAge: 365d # older rows are rejected

# ---- where the events go --------------------------------------------------------------------------------------------
destination:
  extole:
    account: my-company # your name for the Extole account
    token: "\${env:EXTOLE_TOKEN}"
    container: test # change to production when the results look right
    # Extole itself, unless the environment names a stand-in, as that of \`referry sandbox\` does.
    apiUrl: "\${env:EXTOLE_API_URL:-https://api.extole.io}"
    eventsUrl: "\${env:EXTOLE_EVENTS_URL:-https://events.extole.io}"
    lane: auto

# ---- what is put back for the partner -------------------------------------------------------------------------------
report: { to: results, reports: reports }
# report: { to: results, reports: reports, morning: "06:30" } # a page each morning: the last 30 days

# ---- who is told ----------------------------------------------------------------------------------------------------
# What needs a person is told once, and once when it is solved. \`referry notify-test example\` tries it.
# notify:
#   - slack: { url: "\${env:SLACK_WEBHOOK}" }
#   - email: { smtp: "\${env:SMTP_URL}", from: referry@example.com, to: [ops@example.com] }
# expect: { by: "07:00", days: mon-fri } # tell when the day's file is late or missing
`;

const ENVIRONMENT = `# Copy to .env, fill in, and load it before referry:  set -a; . ./.env; set +a
REFERRY_SFTP_URL=sftp://user@sftp.example.com/inbox
REFERRY_SFTP_PASSWORD=
REFERRY_SFTP_HOST_KEY=
EXTOLE_TOKEN=
`;

/** What of any project is not for git. */
export const IGNORED = `.env
secrets/
.referry/
sandbox/
sandbox.env
demo/
`;

const README = `# Referral files

\`\`\`sh
cp .env.example .env           # then fill it in
set -a; . ./.env; set +a
referry check                  # everything that is wrong with the jobs, without a network
referry doctor                 # tries every connection, shows the fingerprint for REFERRY_SFTP_HOST_KEY
referry run example --dry-run  # what would be sent, and what would not
referry daemon                 # runs all jobs on their schedules
\`\`\`

To try a file without any account, start the stand-ins in another terminal, and load the environment that they print in place of .env:

\`\`\`sh
referry sandbox > sandbox.env          # terminal 1; runs until Ctrl-C
set -a; . ./sandbox.env; set +a        # terminal 2
referry run example --file FILE        # or put FILE in sandbox/sftp/inbox and leave --file out
\`\`\`

After an update of referry, \`referry schema --out jobs/job.schema.json\` renews what your editor completes and checks jobs with.
`;
