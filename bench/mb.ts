import { rmSync } from 'node:fs'
import { connect } from '../common/db/connect.js'
import { connectStore } from '../common/db/connect-store.js'
import { createLogger } from '../common/log.js'
import { fillWithInstances } from './many-instances.js'

for (const s of ['', '-wal', '-shm']) rmSync('/tmp/mb.sqlite' + s, { force: true })
const ids = [...(await fillWithInstances('sqlite:/tmp/mb.sqlite', 'demo', 10000))].sort()
const store = await connectStore(
  'sqlite:/tmp/mb.sqlite',
  createLogger('x', 'warn'),
  new AbortController().signal,
)
async function t(name: string, n: number, f: (i: number) => Promise<unknown>) {
  for (let i = 0; i < 20; i++) await f(i)
  const a = performance.now()
  for (let i = 0; i < n; i++) await f(i)
  console.log(name, ((performance.now() - a) / n).toFixed(3), 'ms')
}
await t('list20', 300, (i) => store.instances.list('demo', { limit: 20, marker: ids[(i * 37) % 9900]! }))
for (const k of [4, 12, 25, 50])
  await t('list20 x' + k, 30, (i) =>
    Promise.all(
      Array.from({ length: k }, (_, j) =>
        store.instances.list('demo', { limit: 20, marker: ids[((i * 50 + j) * 37) % 9900]! }),
      ),
    ),
  )
const db = connect('sqlite:/tmp/mb.sqlite')
for (const k of [1, 4, 12, 25]) {
  const u = Array.from(
    { length: k },
    (_, p) =>
      `select id from (select id from instances where project_id='demo' and deleted_at_ms is null and id>'${ids[p * 37]}' order by id limit 21)`,
  ).join(' union all ')
  for (const r of await db.raw(
    `explain query plan select i.*,ob.observation,src.id as source_id from instances as i left join observations as ob on ob.instance_id=i.id left join operations as op on op.id=i.operation_id left join instances as src on src.set_id=i.set_id and src.role='source' and src.deleted_at_ms is null where i.deleted_at_ms is null and i.id in (${u}) order by i.id`,
  ))
    if (!/COMPOUND|UNION|SUBQ|CO-ROUT/.test(r.detail) || k === 1) console.log(k, r.detail)
}
await db.destroy()
await store.close()
