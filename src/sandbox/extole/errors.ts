/** An answer of the stand-in. */
export interface Reply {
  status: number;
  body: string;
}

/** Codes, statuses and messages as Extole documents them. */
const DOCUMENTED = {
  access_denied: [403, 'The access_token provided is not permitted to access the specified resource.'],
  binding_error: [400, 'Argument is not of the expected type'],
  event_blocked: [400, 'Blocked due to client specific rules to ignore spurious events'],
  invalid_event_time_format: [400, 'Invalid event time format. Expected: ISO8601 format'],
  invalid_json: [400, 'JSON is invalid'],
  invalid_parameter: [400, 'Parameter is invalid.'],
  method_not_allowed: [405, 'Method not allowed'],
  method_unauthorized: [401, 'Unauthorized access to this endpoint'],
  missing_access_token: [403, 'No access_token was provided with this request.'],
  missing_event_name: [400, 'Event name is required.'],
  missing_request_body: [400, 'Missing request body'],
  not_found: [404, 'Not found'],
  payment_required: [402, 'The access_token provided is associated with an unpaid account.'],
  person_not_found: [403, 'Person not found'],
  software_error: [500, 'An unexpected error occurred.'],
  too_many_requests: [429, 'The server is unable to process your request at the moment, please retry later.'],
  unsupported_media_type: [415, 'Request had an unsupported or no media type'],
} as const satisfies Record<string, readonly [number, string]>;

export type ErrorCode = keyof typeof DOCUMENTED;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(DOCUMENTED, text);
}

let count = 0;

export function errorReply(code: ErrorCode, parameters: Readonly<Record<string, string>> = {}): Reply {
  const [status, message] = DOCUMENTED[code];
  return { status, body: errorBody(status, code, message, parameters) };
}

/** Extole's error body; `unique_id` differs each time. */
export function errorBody(
  status: number,
  code: string,
  message: string,
  parameters: Readonly<Record<string, string>> = {},
): string {
  count += 1;
  const unique_id = `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
  return JSON.stringify({ unique_id, http_status_code: status, code, message, parameters });
}
