import { projectWithFiles } from './template-files.ts';

/**
 * What `referry init --pipeline sync-segment` puts into a new project folder: paths and their text. `folder`: where that will be;
 * absolute.
 */
export function segmentsTemplate(folder: string): Record<string, string> {
  return projectWithFiles(folder, {
    path: 'jobs/segments.yaml',
    ...{ job: JOB, environment: ENVIRONMENT, readme: README },
  });
}

const JOB = `# yaml-language-server: $schema=./job.schema.json
#
# Who is in a segment, kept the same at a tool: a file with all members comes, and only the differences to the file before leave.
# The lines you need are here; those that start with "# " and hold a setting are defaults or alternatives. \`referry check\` lists
# everything that is wrong or missing.
#
# \${env:NAME} stands for the environment variable NAME, \${env:NAME:-text} for \`text\` where NAME is not set, and
# \${file:/path} for what a file holds. Keep passwords, keys and tokens out of this file that way.

# The job's lasting name. Files are remembered under it, so keep it when you rename this file.
id: segments
pipeline: sync-segment
description: VIP customers, as an audience of Extole

# When the daemon runs it: minute, hour, day of the month, month, day of the week. Every four hours is the default.
schedule: "0 */4 * * *"
timezone: America/New_York

# ---- where the files come from --------------------------------------------------------------------------------------
# Folders beside this one. It may be on an SFTP server as well: sftp://user@host/inbox with password or privateKey, and hostKey.
source:
  url: "\${env:REFERRY_INBOX_URL:-<files>/inbox}"
  match: "vip-*.csv"
  stable: { for: "\${env:REFERRY_STABLE_FOR:-60s}" } # a file is taken when it has not changed for so long
  # A file beside it that says how many rows there are, where the sender can write no trailer:
  # manifest: { name: "{name}.ctl", kind: control, control: { count: rows } } # rows=1200

# ---- how they are read ----------------------------------------------------------------------------------------------
# A last record such as TRL,1200 proves that the file is whole, wherever it may be cut off. A file without one (and without a
# manifest) removes nobody before a person has looked: see guards.unvouched.
file:
  trailer: { startsWith: TRL, count: 2 }

members:
  id: email # your column with the member's id, of the kind that the target knows people by
  # A file is a snapshot: everybody who is in the segment, and whoever is not in it is removed. Or it says who comes and who goes:
  # kind: changes
  # action: { column: action } # add or remove; without column, a word of the file's name says it: vip-add-20261121.csv
  # With several segments, where it stands which one a row is of:
  # segmentFrom: column # or file: vip-20261121.csv gives vip
  # segmentColumn: segment
  # Or everybody whose row another job delivered in the last days, out of its files, which it must keep as long (retention.days there).
  # Then leave out id above, source.match and file:
  # from: ledger
  # ledger: { jobs: [account-openings], events: [account_funded], days: 90 }

segments:
  vip: VIP customers # your lasting id of the segment, and what it is called at the target

# Held until a person releases it: what removes or adds more than these shares of the confirmed members. An empty snapshot always is.
guards:
  maxShrink: 0.2
  maxGrowth: 0.2
  # adopt: true # take over a list that has members already, at the first sync

# ---- where the members go: exactly one of these ---------------------------------------------------------------------
target:
  extole:
    account: my-company # your name for the Extole account
    token: "\${env:EXTOLE_TOKEN}"
    # Extole itself, unless the environment names a stand-in, as that of \`referry sandbox\` does.
    apiUrl: "\${env:EXTOLE_API_URL:-https://api.extole.io}"
    # identifyBy: userId # members are your own ids of customers; default email
  # braze:
  #   account: my-company
  #   url: https://rest.iad-01.braze.com
  #   attribute: { apiKey: "\${env:BRAZE_API_KEY}" } # or cohort, where you have a partner key
  # hubspot: { account: my-company, token: "\${env:HUBSPOT_TOKEN}" }
  # klaviyo: { account: my-company, apiKey: "\${env:KLAVIYO_API_KEY}" }
  # iterable: { account: my-company, apiKey: "\${env:ITERABLE_API_KEY}" }
  # files: { account: my-company, to: { url: "<files>/outbox" } }
  # See docs/segments.md of referry.

report: { to: results, reports: reports }

# ---- who is told ----------------------------------------------------------------------------------------------------
# What needs a person is told once, and once when it is solved. \`referry notify-test segments\` tries it.
# notify:
#   - slack: { url: "\${env:SLACK_WEBHOOK}" }
`;

const ENVIRONMENT = `# Copy to .env, fill in, and load it before referry:  set -a; . ./.env; set +a
EXTOLE_TOKEN=
`;

const README = `# Segments

\`\`\`sh
cp .env.example .env                # then fill in the token
set -a; . ./.env; set +a
referry check                       # everything that is wrong with the job, without a network
referry doctor                      # tries the folders, and the target
referry run segments --dry-run      # of the files in files/inbox: how many would be added, removed and left, and what would be held
referry run segments                # makes the target say what the files say
referry status                      # what needs you
referry daemon                      # from now on, on the schedule of the job
\`\`\`

A file for the job as it is here has a header, a row for each member, and a last line that counts the rows:

\`\`\`
email
ana.diaz@example.com
bo.lindqvist@example.org
TRL,2
\`\`\`

What a guard holds stays as it is at the target: \`referry held\` says why, with both numbers, and \`referry release\` lets it go. Results of each file
are in \`files/results\`, reports in \`files/reports\`.

To try it without any account, start the stand-ins in another terminal, and load the environment that they print in place of .env:

\`\`\`sh
referry sandbox > sandbox.env       # terminal 1; runs until Ctrl-C
set -a; . ./sandbox.env; set +a     # terminal 2
referry run segments --file FILE    # or put FILE in files/inbox and leave --file out
\`\`\`

After an update of referry, \`referry schema --out jobs/job.schema.json\` renews what your editor completes and checks jobs with.
`;
