/** An answer of the stand-in. */
export interface Reply {
  status: number;
  body: string | Uint8Array;
  /** Default `application/json`. */
  type?: string;
}

/** Codes, statuses and messages as Extole documents them. */
const DOCUMENTED = {
  access_denied: [403, 'The access_token provided is not permitted to access the specified resource.'],
  audience_member_list_format_not_supported: [400, 'Audience member list format not supported'],
  audience_not_found: [400, 'Audience was not found'],
  audience_operation_another_operation_in_progress: [400, 'Another operation in progress was found'],
  audience_operation_audience_not_found: [400, 'Audience was not found'],
  audience_operation_missing_data_source: [400, 'Audience operation required data source is not specified'],
  audience_operation_missing_data_source_type: [400, 'Audience operation required data source type is not specified'],
  audience_operation_missing_type: [400, 'Audience operation required type is not specified'],
  audience_operation_operation_not_found: [400, 'Operation was not found'],
  batch_job_data_source_empty: [400, 'Data source is required'],
  batch_job_delete_not_allowed: [400, "Batch job cannot be deleted while it's in current status"],
  batch_job_event_name_invalid: [400, 'Invalid batch job event_name, name should have a value, max length 255'],
  batch_job_invalid_state_transition: [400, "Current state doesn't allow the specified operation"],
  batch_job_locked: [423, 'Batch job is locked by another process. Please try again later.'],
  batch_job_name_invalid: [400, 'Invalid batch job name, name should have a value, max length 255'],
  batch_job_tag_invalid: [400, 'Invalid batch job tag, name should have a value, max length 255'],
  batch_job_unauthorized_scopes: [400, 'Attempt to update scopes to unauthorized values'],
  binding_error: [400, 'Argument is not of the expected type'],
  blocked_content_url: [403, 'Content url is blocked'],
  code_contains_reserved_word: [403, 'Shareable code contains reserved word'],
  code_illegal_character: [403, 'Code can only contain alphanumeric, dash and underscore'],
  code_out_of_range: [403, 'Code length must be between 4 and 50 characters'],
  code_taken: [403, 'The code associated with this shareable has already been specified'],
  code_taken_by_promotion: [400, 'The code associated with this shareable is already used by a promotion link'],
  content_image_url_invalid: [403, 'Invalid content image_url'],
  data_attribute_name_invalid: [403, 'Shareable data attribute name is invalid'],
  data_attribute_name_length_out_of_range: [403, 'Shareable data attribute name length is out of range. Max 200 chars'],
  data_attribute_value_invalid: [403, 'Shareable data value is invalid'],
  data_attribute_value_length_out_of_range: [
    403,
    'Shareable data attribute value length is out of range. Max 2000 chars',
  ],
  decryption_error: [400, 'Could not decrypt file'],
  event_blocked: [400, 'Blocked due to client specific rules to ignore spurious events'],
  file_asset_duplicated_name: [400, 'Duplicated file asset name'],
  file_asset_expired: [400, 'File Asset is expired'],
  file_asset_file_processing_error: [400, 'Failed to process uploaded file'],
  file_asset_input_file_missing: [400, 'Input file is mandatory'],
  file_asset_invalid_name: [400, 'Name max length is 255 and should contain only alphanumeric characters'],
  file_asset_invalid_tags: [400, 'Tags cannot be null, empty or longer than 255 chars'],
  file_asset_not_found: [400, 'File Asset not found'],
  identity_key_value_already_taken: [400, 'Identity key value already taken'],
  invalid_content_url: [403, 'Invalid content url'],
  invalid_event_time_format: [400, 'Invalid event time format. Expected: ISO8601 format'],
  invalid_identity_key_value: [400, 'Invalid identity key value'],
  invalid_json: [400, 'JSON is invalid'],
  invalid_key_value: [400, 'Invalid key value'],
  invalid_limit: [400, 'Limit should be a non negative integer'],
  invalid_offset: [400, 'Offset should be a non negative integer'],
  invalid_parameter: [400, 'Parameter is invalid.'],
  invalid_query_limit: [400, 'Invalid limit'],
  label_is_missing: [403, 'Label is missing'],
  label_name_contains_illegal_character: [
    403,
    'Label name can only contain alphanumeric, dash and underscore characters',
  ],
  label_name_length_out_of_range: [403, 'Label name is not of valid length'],
  max_fetch_size_1000: [400, 'Maximum allowed difference between limit and offset should be 1000'],
  membership_not_found: [400, 'Membership was not found'],
  method_not_allowed: [405, 'Method not allowed'],
  method_unauthorized: [401, 'Unauthorized access to this endpoint'],
  missing_access_token: [403, 'No access_token was provided with this request.'],
  missing_audience_id: [400, 'Audience ID is not specified'],
  missing_audience_name: [400, 'Audience required name is not specified'],
  missing_event_name: [400, 'Event name is required.'],
  missing_extole_public_key: [400, 'Cannot decrypt file as extole public key is not created'],
  missing_request_body: [400, 'Missing request body'],
  modification_audience_operation_file_asset_data_source_empty_file_asset: [400, 'File is empty'],
  modification_audience_operation_file_asset_data_source_file_asset_not_found: [400, 'File asset not found'],
  modification_audience_operation_file_asset_data_source_missing_file_asset_id: [400, 'File asset ID is missing'],
  modification_audience_operation_file_asset_data_source_unsupported_file_asset_format: [
    400,
    'File asset format is not supported',
  ],
  not_found: [404, 'Not found'],
  payment_required: [402, 'The access_token provided is associated with an unpaid account.'],
  person_not_found: [403, 'Person not found'],
  person_not_rewardable: [403, 'Person does not have email address'],
  report_content_format_not_found: [400, 'Report content format not found'],
  report_content_not_found: [400, 'Report content exceed max size'],
  report_display_name_empty: [400, 'Report display name is empty'],
  report_invalid_formats: [400, 'Report formats not supported'],
  report_missing_parameters: [400, 'Report is missing parameters'],
  report_not_found: [400, 'Report not found'],
  report_type_missing: [400, 'Report type is missing'],
  report_type_not_found: [400, 'Report type referenced by the component is not found'],
  shareable_key_taken: [403, 'The key associated with this shareable has already been specified'],
  shareable_not_found: [403, 'Shareable not found'],
  software_error: [500, 'An unexpected error occurred.'],
  too_many_requests: [429, 'The server is unable to process your request at the moment, please retry later.'],
  unknown_program: [400, 'The provided program url is not associated with an existing program'],
  unsupported_media_type: [415, 'Request had an unsupported or no media type'],
} as const satisfies Record<string, readonly [number, string]>;

export type ErrorCode = keyof typeof DOCUMENTED;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(DOCUMENTED, text);
}

let count = 0;

export function errorReply(code: ErrorCode, parameters: Readonly<Record<string, unknown>> = {}): Reply {
  const [status, message] = DOCUMENTED[code];
  return { status, body: errorBody(status, code, message, parameters) };
}

/** Extole's error body; `unique_id` differs each time. */
export function errorBody(
  status: number,
  code: string,
  message: string,
  parameters: Readonly<Record<string, unknown>> = {},
): string {
  count += 1;
  const unique_id = `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
  return JSON.stringify({ unique_id, http_status_code: status, code, message, parameters });
}
