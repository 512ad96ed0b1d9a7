-- Names the present life of this part of the journal, by when it was first asked for.
-- KEYS life
-- Returns {life}
redis.call('SET', KEYS[1], us(now), 'NX')
return {redis.call('GET', KEYS[1])}
