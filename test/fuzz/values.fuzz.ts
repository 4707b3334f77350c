import { compileMapping } from '../../src/mapping/compile.ts';
import { eventSettings } from '../../src/mapping/settings.ts';
import { maskReason } from '../../src/reports/mask.ts';
import { ACTING, must, takeFrom } from './support.ts';

const COLUMNS = ['id', 'at', 'email', 'member', 'amount', 'phone', 'count', 'born', 'note'];
const TIMES = [
  { from: 'at', format: 'iso', timezone: 'America/New_York' },
  {
    from: 'at',
    format: ['MM/dd/yyyy hh:mm a', 'dd.MM.yyyy', 'yyyyMMddHHmmss'],
    timezone: 'Europe/Berlin',
    gap: 'later',
    overlap: 'earlier',
  },
  { from: 'at', format: ['epoch-s', 'epoch-ms'] },
  { from: 'at', format: 'excel-serial', timezone: 'Australia/Lord_Howe' },
];
const LOCALES = ['plain', 'en', 'de', 'fr', 'ch'];
const NOW = 1_790_000_000_000;
const MAPPERS = TIMES.flatMap((time) =>
  LOCALES.map((locale) =>
    compileMapping(
      eventSettings.parse({
        name: 'account_opened',
        key: { from: 'id', unwrapExcel: true },
        time,
        maxAge: '5000d',
        data: {
          email: 'email',
          partner_user_id: 'member',
          cart_value: { from: 'amount', type: 'money', currency: 'EUR', locale, negative: true },
          phone: { from: 'phone', type: 'phone', callingCode: '49' },
          count: { from: 'count', type: 'integer', negative: true },
          born: { from: 'born', type: 'date', format: ['iso', 'dd/MM/yy'] },
          note: { from: 'note', controlChars: 'strip' },
        },
        panCheck: true,
      }),
      COLUMNS,
      { fileName: 'a-20261121.csv', now: NOW, hash: (canonical) => canonical },
    ),
  ),
);

/** Values of any text: an event whose values are of their kind, or a reason. */
export function fuzz(data: Buffer): void {
  const take = takeFrom(data);
  const map = MAPPERS[take.number(MAPPERS.length)];
  const values = take.rest().toString('utf8').split('\u001f');
  const mapped = map?.(values, 2);
  must(mapped !== undefined, 'no verdict');
  if (!mapped.ok) {
    must(/^[A-Z_]+$/.test(mapped.code) && mapped.reason !== '', 'no code or reason', mapped);
    must(!ACTING.test(mapped.reason), 'raw control characters', mapped.reason);
    must(mapped.reason.length < 1000, 'an endless reason', mapped.reason.length);
    maskReason(mapped.reason);
    return;
  }
  const { event, eventMs } = mapped;
  must(
    [...event.key].length <= 38 && event.key === event.key.trim() && event.key !== '',
    'a key out of shape',
    event.key,
  );
  must(
    new Date(eventMs).toISOString().replace('.000Z', 'Z') === event.eventTime,
    'the time differs from its text',
    event.eventTime,
    eventMs,
  );
  must(eventMs <= NOW + 86_400_000, 'a time ahead', event.eventTime);
  const { cart_value: amount, phone, count, born, email } = event.data;
  must(amount === undefined || /^-?\d{1,15}\.\d\d$/.test(amount), 'no amount', amount);
  must(phone === undefined || /^\+[1-9]\d{6,14}$/.test(phone), 'no telephone number', phone);
  must(count === undefined || /^(0|-?[1-9]\d*)$/.test(count), 'no number', count);
  must(born === undefined || new Date(born).toISOString().startsWith(born.replace(/Z$/, '')), 'no date', born);
  must(email === undefined || (email === email.toLowerCase() && /^[^@\s]+@[^@\s]+$/.test(email)), 'no address', email);
  const money = mapped.money;
  must((money === undefined) === (amount === undefined), 'money without an amount');
  if (money !== undefined && amount !== undefined) {
    const units = BigInt(amount.replace('.', '')) * 100n;
    must(money.units === units, 'another amount', String(money.units), amount);
  }
}
