import { errorsOf, type ErrorTable } from './coded-error.ts';

/**
 * The room's closed table of errors. The first part is thrown; the second names what an import
 * reports line by line (`ImportProblem.code`); the third is what a unit can be refused for.
 * Codes of payload formats (`CODEC_…`) are in `codecs/errors.ts`.
 */
export const devicesErrors = {
  DEVICES_REGISTRY_MISSING: {
    message: 'The registry cannot be opened for reading.',
    meaning:
      'The registry file does not exist yet or is not readable. Start the server once, or import a registry file, then try again.',
    canRetry: true,
  },
  DEVICES_REGISTRY_FOREIGN: {
    message: 'The file is a database, but not a registry.',
    meaning:
      'The path names a database that another program made. Nothing was written. Give the path of registry.db.',
    canRetry: false,
  },
  DEVICES_REGISTRY_NEWER: {
    message: 'The registry was written by a newer version of the product.',
    meaning:
      'Nothing was read or written. Install the version that wrote it, or restore a backup made by this version.',
    canRetry: false,
  },
  DEVICES_REGISTRY_COPY: {
    message: 'The registry is a copy, kept by a cluster.',
    meaning:
      'Only the cluster changes it: configure the node for the cluster, or export the registry there and import it into an empty data folder.',
    canRetry: false,
  },
  DEVICES_REGISTRY_OWN: {
    message: 'The registry was made by one machine, and cannot become a copy.',
    meaning:
      'The data folder was used without a cluster. Give the node an empty data folder, and import there what this registry exports.',
    canRetry: false,
  },
  DEVICES_COPY_DIFFERS: {
    message: 'A version of the registry does not fit the copy of this node.',
    meaning:
      'The fields say what was found wrong; nothing was written. The copy or its source was changed from outside: remove registry.db of this node, and it is copied anew.',
    canRetry: false,
  },
  DEVICES_REGISTRY_CORRUPT: {
    message: 'The registry holds a row that cannot be read.',
    meaning: 'The file was changed from outside. Restore the last backup; `verify` names the row.',
    canRetry: false,
  },
  DEVICES_VERSION_UNKNOWN: {
    message: 'The registry has no such version.',
    meaning:
      'A version later than the newest was asked for: the registry is older than the logs beside it. Restore the registry of the same backup.',
    canRetry: true,
  },
  DEVICES_DEVICE_UNKNOWN: {
    message: 'A device is not in the registry.',
    meaning: 'Import the device first. Nothing was changed for any device of the call.',
    canRetry: false,
  },
  DEVICES_OWNER_UNKNOWN: {
    message: 'An owner is not in the registry.',
    meaning: 'Import the owner first, or create the token without one.',
    canRetry: false,
  },
  DEVICES_RECIPIENT_UNKNOWN: {
    message: 'A recipient is not in the registry.',
    meaning: 'Add the recipient first: by a registry file, or under /api/v1/admin/recipients.',
    canRetry: false,
  },
  DEVICES_TOKEN_ROLE: {
    message: 'Only a reader can be of a recipient.',
    meaning: 'Create the token with the role reader, or without a recipient.',
    canRetry: false,
  },
  DEVICES_GRANT_UNKNOWN: {
    message: 'There is no such request or grant.',
    meaning: 'Check the id: /api/v1/admin/access-requests lists all of them.',
    canRetry: false,
  },
  DEVICES_GRANT_TAKEN: {
    message: 'A request or grant of this id exists already.',
    meaning: 'Ids are never reused: leave it out, and one is made.',
    canRetry: false,
  },
  DEVICES_GRANT_STATE: {
    message: 'The request or grant is in a state that does not become this one.',
    meaning:
      'Only what is requested can be granted or refused; what is requested or granted can be withdrawn; the rest is over, and a new request begins anew.',
    canRetry: false,
  },
  DEVICES_GRANT_RECIPIENT: {
    message: 'It is not said which recipient is meant.',
    meaning:
      'Somebody asked who is no recipient yet: add them as one, then grant it naming that recipient. A grant to one recipient does not become one to another.',
    canRetry: false,
  },
  DEVICES_GRANT_SCOPE: {
    message: 'A grant names something that does not exist.',
    meaning:
      'The fields name it. A request may ask for anything; what is granted must exist. Refuse it, or grant what was meant.',
    canRetry: false,
  },
  DEVICES_GRANT_DECISION: {
    message: 'A decided request lacks who decided it, when or why.',
    meaning: 'Give `decidedAt`, `decidedBy` and `reason`; a granted one also its `recipient`.',
    canRetry: false,
  },
  DEVICES_REQUESTS_FULL: {
    message: 'Too many requests for access wait for their decision.',
    meaning:
      'Come again later; operators decide those that wait, or raise accessRequestsOpenMax and accessRequestsPerDayMax.',
    canRetry: true,
  },
  DEVICES_SUBJECT_UNKNOWN: {
    message: 'There is neither a device nor a token of this id.',
    meaning: 'Check the id; the list of tokens and devices is in the history of the registry.',
    canRetry: false,
  },
  DEVICES_CERTIFICATE_INVALID: {
    message: 'This is neither a certificate nor the fingerprint of one.',
    meaning:
      'Give a PEM file of the client certificate, or its SHA-256 fingerprint: 64 hexadecimal digits, colons allowed.',
    canRetry: false,
  },
  DEVICES_CERTIFICATE_TAKEN: {
    message: 'The certificate already stands for another device.',
    meaning: 'Each device has its own certificate. Revoke the other device or make a new one.',
    canRetry: false,
  },
  DEVICES_CERTIFICATE_UNKNOWN: {
    message: 'The certificate stands for no device.',
    meaning:
      'It was never pinned, or has ended already. The history of the registry names those that are.',
    canRetry: false,
  },

  DEVICES_FILE_SHAPE: {
    message: 'A value of the registry file has the wrong form.',
    meaning: 'The pointer names the value; the message says what is accepted there.',
    canRetry: false,
  },
  DEVICES_FILE_TOO_LARGE: {
    message: 'The registry file has too many entries.',
    meaning: 'Split the file, or raise importEntitiesMax.',
    canRetry: false,
  },
  DEVICES_ID_DUPLICATE: {
    message: 'The same id stands twice in the file.',
    meaning: 'Ids name one thing for ever; remove one of the two.',
    canRetry: false,
  },
  DEVICES_ID_TAKEN: {
    message: 'The id or client id already names something else.',
    meaning: 'Ids are never reused: choose another.',
    canRetry: false,
  },
  DEVICES_REFERENCE_UNKNOWN: {
    message: 'A reference names nothing that exists.',
    meaning: 'The thing is neither in the file nor in the registry. Add it or mend the id.',
    canRetry: false,
  },
  DEVICES_REFERENCE_CYCLE: {
    message: 'A reference leads back to itself.',
    meaning: 'A parent body or a gateway may not be, through others, its own.',
    canRetry: false,
  },
  DEVICES_IDENTITY_CHANGED: {
    message: 'What a datastream is may not change.',
    meaning:
      'Station, property and aggregation are what its observations mean. Make a new datastream and end the deployment of the old one.',
    canRetry: false,
  },
  DEVICES_SLUG_DUPLICATE: {
    message: 'Two datastreams of one station have the same slug.',
    meaning: 'Give each a slug of its own; without one, the slug is the property id.',
    canRetry: false,
  },
  DEVICES_TIME_ZONE: {
    message: 'The time zone is not an IANA zone.',
    meaning: 'Use a name such as Asia/Ho_Chi_Minh; an offset is not a zone.',
    canRetry: false,
  },
  DEVICES_PERIOD: {
    message: 'A period ends before it begins, or overlaps another.',
    meaning: 'Mend `from` and `to`; `to` is exclusive.',
    canRetry: false,
  },
  DEVICES_PROVINCE: {
    message: 'The province code did not exist in that period.',
    meaning:
      'Codes are two-digit strings of Decision 124/2004/QĐ-TTg until 2025-07-01 and of Decision 19/2025/QĐ-TTg from then. Split the period there. Outside Viet Nam use an ISO 3166-2 code.',
    canRetry: false,
  },
  DEVICES_CHANNEL_OVERLAP: {
    message: 'One channel of a device serves two deployments at one time.',
    meaning: 'End the first (`to`) before the second begins (`from`).',
    canRetry: false,
  },
  DEVICES_DATASTREAM_OVERLAP: {
    message: 'Two deployments serve one datastream at one time.',
    meaning: 'End the first (`to`) before the second begins (`from`), or make a second datastream.',
    canRetry: false,
  },
  DEVICES_CODEC_UNKNOWN: {
    message: 'There is no such codec.',
    meaning: 'The message lists the codecs that exist.',
    canRetry: false,
  },

  DEVICES_UNIT_UNKNOWN: {
    message: 'The unit is neither a UCUM code nor a known spelling.',
    meaning: 'Write the UCUM code (https://ucum.org), for example mm/h, ug/m3, [degF].',
    canRetry: false,
  },
  DEVICES_UNIT_MISMATCH: {
    message: 'The unit measures something else than the property.',
    meaning: 'The unit cannot be converted to the canonical unit of the property.',
    canRetry: false,
  },
  DEVICES_UNIT_BASIS: {
    message: 'The unit names a chemical basis that the property does not have.',
    meaning: 'Use a formula of the property, or the unit without one: then the basis is its own.',
    canRetry: false,
  },
} as const satisfies ErrorTable;

export type DevicesErrorCode = keyof typeof devicesErrors;

export const devicesError = errorsOf(devicesErrors);
