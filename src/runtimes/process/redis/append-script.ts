import { APPEND_LIBRARY } from "./append-library.ts";

/**
 * Appends batches. Each batch is appended as a whole or refused. `ARGV` after the values of the library: 10. number of batches. Then
 * for each batch: the publisher's identity or an empty text, the time at which the credential was issued, the number of messages, and
 * for each message: id, publisher of the id or an empty text, fingerprint, size, header, data, change, the number of topics that keep
 * it, and each topic with its number.
 *
 * Returns the epoch, and for each batch three values: a status, the sequence of its newest message, and one character for each
 * message: `1` for a duplicate, `2` for a reused id.
 */
export const APPEND_SCRIPT: string = `${APPEND_LIBRARY}
local function readMessage()
  local message = { id = arg(), publisher = arg(), fingerprint = arg(), size = tonumber(arg()),
    header = arg(), data = arg(), change = arg(), keeps = {} }
  for index = 1, tonumber(arg()) do
    local topic = arg()
    message.keeps[index] = { topic, tonumber(arg()) }
  end
  return message
end

local function run_batch()
  local identity, issuedAt, count = arg(), tonumber(arg()), tonumber(arg())
  local messages, outcomes, inBatch, status = {}, {}, {}, 'appended'
  for index = 1, count do
    local message = readMessage()
    local earlier = fingerprintOf(message.id) or inBatch[message.id]
    messages[index] = message
    outcomes[index] = '0'
    if earlier then outcomes[index] = '1' else inBatch[message.id] = message.fingerprint end
    if earlier and earlier ~= message.fingerprint then
      outcomes[index] = '2'
      status = 'id_reused'
    end
  end
  if identity ~= '' then
    local since = redis.call('ZSCORE', revoked, identity)
    if since and issuedAt <= tonumber(since) then status = 'revoked' end
  end
  if status == 'appended' then
    for index, message in ipairs(messages) do
      if outcomes[index] == '0' then append(message) end
    end
  end
  return status, table.concat(outcomes)
end

local results = {}
for _ = 1, tonumber(ARGV[10]) do
  local status, outcomes = run_batch()
  results[#results + 1] = status
  results[#results + 1] = text(seq)
  results[#results + 1] = outcomes
end
finish()
return { epoch, results }
`;
