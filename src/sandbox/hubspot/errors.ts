import type { StandInReply } from '../stand-in.ts';

/** An error of one input, as it stands in the `errors` of a 207; of a whole call where there is no 207. */
export interface InputError {
  status: number;
  category: string;
  message: string;
  /** What is wrong with properties. */
  errors?: readonly { message: string; code: string; in?: string }[];
  context?: Readonly<Record<string, readonly string[]>>;
}

let calls = 0;

function correlationId(): string {
  calls += 1;
  return `00000000-0000-4000-8000-${String(calls).padStart(12, '0')}`;
}

export function refusal({ status, ...error }: InputError): StandInReply {
  return { status, body: JSON.stringify({ status: 'error', ...error, correlationId: correlationId() }) };
}

export function ok(value: unknown, status = 200): StandInReply {
  return { status, body: JSON.stringify(value) };
}

export const wrong = (message: string): InputError => ({ status: 400, category: 'VALIDATION_ERROR', message });

/** Wrong values come as JSON inside the message. */
export function wrongProperty(name: string, error: string, message: string): InputError {
  const inner = [{ isValid: false, message, error, name, localizedErrorMessage: message }];
  return {
    ...wrong(`Property values were not valid: ${JSON.stringify(inner)}`),
    errors: [{ message, code: error, in: name }],
  };
}

/** What a search by a property is refused with that is not there. */
export function noProperty(name: string, withCode: boolean): InputError {
  const message = `There was a problem with the request: property ${name} does not exist`;
  return { ...wrong(message), ...(withCode ? { errors: [{ message, code: 'PROPERTY_DOESNT_EXIST' }] } : {}) };
}

export const exists = (id: string): InputError => ({
  status: 409,
  category: 'CONFLICT',
  message: `Contact already exists. Existing ID: ${id}`,
});

export const notFound = (ids: readonly string[]): InputError => ({
  status: 404,
  category: 'OBJECT_NOT_FOUND',
  message: 'Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.',
  context: { ids },
});

export function tooMany(policyName: string): StandInReply {
  const message =
    policyName === 'DAILY'
      ? 'You have reached your daily limit.'
      : `You have reached your ${policyName.toLowerCase()} limit.`;
  const body = { status: 'error', message, errorType: 'RATE_LIMIT', correlationId: correlationId(), policyName };
  return { status: 429, body: JSON.stringify(body) };
}
