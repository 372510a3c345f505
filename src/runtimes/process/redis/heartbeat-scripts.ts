/**
 * The scripts of the heartbeats. `KEYS[1]` is the beginning of the names of the keys. The sorted set `homes` has the time at which
 * each process counts as gone, by the clock of Redis. The hash `stats` has the statistics of each process.
 */

const PRELUDE = `
local homes, stats = KEYS[1] .. 'homes', KEYS[1] .. 'stats'
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function text(number) return string.format('%.0f', number) end
`;

/** Adds a process to the living, and removes those that are gone. `ARGV`: 1. name, 2. statistics, 3. time until it counts as gone. */
export const BEAT_SCRIPT: string = `${PRELUDE}
redis.call('HSET', stats, ARGV[1], ARGV[2])
redis.call('ZADD', homes, text(now + tonumber(ARGV[3])), ARGV[1])
for _, home in ipairs(redis.call('ZRANGEBYSCORE', homes, '-inf', text(now))) do
  redis.call('ZREM', homes, home)
  redis.call('HDEL', stats, home)
end
return 'OK'
`;

/** Returns the name and the statistics of each living process. */
export const LIVING_SCRIPT: string = `${PRELUDE}
local living = {}
for _, home in ipairs(redis.call('ZRANGEBYSCORE', homes, '(' .. text(now), '+inf')) do
  local last = redis.call('HGET', stats, home)
  if last then
    living[#living + 1] = home
    living[#living + 1] = last
  end
end
return living
`;

/** Removes a process from the living. `ARGV`: 1. name. */
export const LEAVE_SCRIPT: string = `${PRELUDE}
redis.call('ZREM', homes, ARGV[1])
redis.call('HDEL', stats, ARGV[1])
return 'OK'
`;
