// A producer and a consumer with ioFog's SDK for Node.js, for test_node_sdk.py. Prints JSON lines.
//   node iofog_node_sdk.js producer|consumer <port> <id> <count>
'use strict'

// The SDK is of a time when Node.js read and wrote eight bytes as one number.
const readUIntBE = Buffer.prototype.readUIntBE
const writeUIntBE = Buffer.prototype.writeUIntBE
Buffer.prototype.readUIntBE = function (offset, size) {
  return size > 6 ? Number(this.readBigUInt64BE(offset)) : readUIntBE.call(this, offset, size)
}
Buffer.prototype.writeUIntBE = function (value, offset, size) {
  return size > 6 ? this.writeBigUInt64BE(BigInt(value), offset) : writeUIntBE.call(this, value, offset, size)
}
process.removeAllListeners('warning')
process.on('warning', () => {}) // Buffer() is deprecated, and the SDK older than that

const [role, port, id, count] = process.argv.slice(2)
const sdk = require('@iotracks/container-sdk-nodejs')

function say (what, details) {
  process.stdout.write(JSON.stringify({ what, ...details }) + '\n')
}
const fails = {
  onError: (error) => say('error', { error: String(error) }),
  onBadRequest: (text) => say('bad-request', { text })
}

function message (number) {
  return sdk.ioMessage({
    tag: 'Kühe',
    sequencenumber: number,
    sequencetotal: Number(count),
    priority: 5,
    infotype: 'number',
    infoformat: 'text',
    contextdata: Buffer.from('{"n":' + number + '}'),
    contentdata: Buffer.from('content ' + number)
  })
}

sdk.init('127.0.0.1', Number(port), id, function () {
  sdk.getConfig({ ...fails, onNewConfig: (config) => say('config', { config }) })
  sdk.wsControlConnection({
    ...fails,
    onNewConfigSignal: () =>
      sdk.getConfig({ ...fails, onNewConfig: (config) => say('new-config', { config }) })
  })
  sdk.wsMessageConnection(
    function () {
      say('open', {})
      if (role !== 'producer') return
      for (let number = 0; number < count; number++) sdk.wsSendMessage(message(number))
      sdk.sendNewMessage(message(1000), {
        ...fails,
        onMessageReceipt: (id, timestamp) => say('posted', { id, timestamp })
      })
      sdk.sendNewMessage(sdk.ioMessage({ infotype: '' }), fails)
    },
    {
      ...fails,
      onMessages: (messages) => {
        for (const each of messages) {
          say('message', { ...each, contextdata: each.contextdata.toString(), contentdata: each.contentdata.toString() })
        }
      },
      onMessageReceipt: (id, timestamp) => say('receipt', { id, timestamp })
    }
  )
})

process.stdin.on('data', function () {
  sdk.getMessagesByQuery(0, Date.now() + 1000, ['m1'], {
    ...fails,
    onMessagesQuery: (begin, end, messages) => say('query', { begin, end, count: messages.length })
  })
})
