// The published language as others read it: AsyncAPI's own parser over docs/asyncapi.yaml, a validator of draft 2020-12
// over docs/schemas, and every message against the record that it describes. Says what is wrong, and ends with 1.
//
// node language.mjs DOCS GOLDENS

import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Parser } from '@asyncapi/parser'
import Ajv from 'ajv'
import Ajv2020 from 'ajv/dist/2020.js'
import formats from 'ajv-formats'

const [docs, goldens] = process.argv.slice(2)
const ERROR_OR_WARNING = 1 // of the parser's severities: 0 error, 1 warning; above that it only recommends
const wrong = []
const json = (path) => JSON.parse(readFileSync(path, 'utf8'))
const of = (folder) => readdirSync(folder).filter((name) => name.endsWith('.json'))
const said = (check) => check.errors.map((one) => `${one.instancePath || 'the whole'} ${one.message}`).join(', ')

const { document, diagnostics } = await new Parser().parse(readFileSync(join(docs, 'asyncapi.yaml'), 'utf8'))
for (const one of diagnostics.filter((one) => one.severity <= ERROR_OR_WARNING)) {
  wrong.push(`asyncapi.yaml: ${one.path.join('.')}: ${one.message}`)
}

// Every schema is one, and both its example and the golden hold by it.
const latest = new Ajv2020({ strict: true, allowUnionTypes: true })
formats(latest)
const schemas = of(join(docs, 'schemas'))
for (const name of schemas) {
  const schema = json(join(docs, 'schemas', name))
  const check = latest.compile(schema)
  const held = [...schema.examples]
  if (of(goldens).includes(name)) held.push(json(join(goldens, name)))
  for (const one of held) if (!check(one)) wrong.push(`${name}: ${said(check)}`)
}

// A record with the fact inside holds by its message, and with another fact inside it does not.
const record = json(join(docs, 'schemas', 'CloudEvent.json')).examples[0]
const older = new Ajv({ strict: false })
formats(older)
const messages = (document?.components().messages().all() ?? []).filter((one) => one.name().startsWith('onedoor.'))
for (const message of messages) {
  const check = older.compile(message.payload().json())
  const [data] = json(join(docs, 'schemas', `${message.id()}.json`)).examples
  const whole = { ...record, type: message.name(), data }
  if (!check(whole)) wrong.push(`${message.id()}: ${said(check)}`)
  for (const other of [{ ...whole, type: 'onedoor.Other.v1' }, { ...whole, data: {} }, { ...whole, hash: 'none' }]) {
    if (check(other)) wrong.push(`${message.id()} lets through what is none: ${JSON.stringify(other).slice(0, 200)}`)
  }
}
if (messages.length !== schemas.length - 1) wrong.push(`${messages.length} messages of ${schemas.length - 1} schemas`)

wrong.forEach((line) => console.log(line))
console.log(`${basename(docs)}: ${schemas.length} schemas, ${messages.length} messages, ${wrong.length} wrong`)
process.exit(wrong.length ? 1 : 0)
