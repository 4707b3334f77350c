// @ts-check

/**
 * Pushes share links to a tool's stand-in, several batches at once, and prints what it took, as one JSON line:
 * `task-push.mjs <tool> <rows> <batches at once> <settings>`. The built package, as it is published.
 */
const [tool = '', count = '', batches = '', given = '{}'] = process.argv.slice(2);
const rows = Number(count);

/** @typedef {import('../src/destinations/profile.ts').ProfileSender} ProfileSender */
/** @typedef {import('../src/destinations/profile.ts').Profile} Profile */
/** @typedef {import('../src/model.ts').Io} Io */

/** @param {string} path */
const built = (path) => new URL(`../dist/src/${path}.js`, import.meta.url).href;
/** @type {typeof import('../src/io.ts')} */
const { createLog, realIo } = await import(built('io'));
const io = realIo(createLog('error'));
const settings = { account: 'bench', ...JSON.parse(given) };

/** @type {Record<string, () => Promise<ProfileSender>>} */
const OPENS = {
  async hubspot() {
    /** @type {typeof import('../src/destinations/hubspot/settings.ts')} */
    const { hubspotSettings } = await import(built('destinations/hubspot/settings'));
    /** @type {typeof import('../src/destinations/hubspot/hubspot.ts')} */
    const { createHubspot } = await import(built('destinations/hubspot/hubspot'));
    return createHubspot(hubspotSettings.parse(settings), io);
  },
  async sfmc() {
    /** @type {typeof import('../src/destinations/sfmc/settings.ts')} */
    const { sfmcSettings } = await import(built('destinations/sfmc/settings'));
    /** @type {typeof import('../src/destinations/sfmc/sfmc.ts')} */
    const { createSfmc } = await import(built('destinations/sfmc/sfmc'));
    return createSfmc(sfmcSettings.parse(settings), io);
  },
  async klaviyo() {
    /** @type {typeof import('../src/destinations/klaviyo/settings.ts')} */
    const { klaviyoSettings } = await import(built('destinations/klaviyo/settings'));
    /** @type {typeof import('../src/destinations/klaviyo/klaviyo.ts')} */
    const { createKlaviyo } = await import(built('destinations/klaviyo/klaviyo'));
    return createKlaviyo(klaviyoSettings.parse(settings), io);
  },
  async iterable() {
    /** @type {typeof import('../src/destinations/iterable/settings.ts')} */
    const { iterableSettings } = await import(built('destinations/iterable/settings'));
    /** @type {typeof import('../src/destinations/iterable/iterable.ts')} */
    const { createIterable } = await import(built('destinations/iterable/iterable'));
    return createIterable(iterableSettings.parse(settings), io);
  },
  async braze() {
    /** @type {typeof import('../src/destinations/braze/settings.ts')} */
    const { brazeSettings } = await import(built('destinations/braze/settings'));
    /** @type {typeof import('../src/destinations/braze/braze.ts')} */
    const { createBraze } = await import(built('destinations/braze/braze'));
    return createBraze(brazeSettings.parse(settings), io);
  },
};

const open = OPENS[tool];
if (open === undefined) throw new Error(`there is no ${tool}`);
const sender = await open();
/** @type {Record<string, number>} */
const kinds = {};
let next = 0;

/** @param {number} n @returns {Profile} */
const person = (n) => ({
  email: `person.${n}@mail.example.com`,
  fields: { [tool === 'sfmc' ? 'extole_share_link' : 'share_link']: `https://share.example-brand.com/member${n}` },
});

async function sendOn() {
  while (next < rows) {
    const from = next;
    next = Math.min(rows, from + sender.maxBatchSize);
    const batch = Array.from({ length: next - from }, (_, i) => person(from + i));
    for (const { kind } of await sender.send(batch, new AbortController().signal)) kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
}

const started = performance.now();
await Promise.all(Array.from({ length: Number(batches) }, sendOn));
const ms = performance.now() - started;
await sender.close();
process.stdout.write(`${JSON.stringify({ ms, kinds, rss: process.resourceUsage().maxRSS * 1024 })}\n`);
