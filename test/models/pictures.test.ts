import { describe, expect, test } from 'vitest'
import { pictureFormat } from '../../server/knowledge/pictures/picture-format.ts'
import { startApp } from '../app.ts'
import { createConversation, listMessages, uploadFiles } from '../builders.ts'
import { collectEvents } from '../events.ts'
import { placedPdf } from '../files/pdf.ts'
import { pngOf } from '../files/picture.ts'
import { startOllama, startOpenAi } from '../model-servers.ts'

describe('pictures of a question', () => {
  test('go to models with vision, and to a remote one only if its provider is named', async () => {
    await using ollama = await startOllama({
      models: [
        { name: 'llava:7b', capabilities: ['completion', 'vision'] },
        { name: 'llama3.2:1b', capabilities: ['completion'] },
      ],
    })
    await using remote = await startOpenAi()
    await using app = await startApp({
      OLLAMA_BASE_URL: ollama.url,
      OPENAI_BASE_URL: remote.url.replace('127.0.0.1', '0.0.0.0'),
    })
    const { id: conversation } = await createConversation(app, 'local')
    const large = pngOf(Buffer.concat([Buffer.from('P5\n2000 1000\n255\n'), Buffer.alloc(2_000_000)]))
    const bomb = Buffer.from(large)
    bomb.writeUInt32BE(60_000, 16)
    const gif = Buffer.from('R0lGODlhAgACAIAAAP8AAAAA/yH5BAAAAAAALAAAAAACAAIAAAIDRAJQADs=', 'base64')
    const results = await uploadFiles(
      app,
      [
        { name: 'large.png', content: Uint8Array.from(large) },
        { name: 'small.gif', content: Uint8Array.from(gif) },
        { name: 'bomb.png', content: Uint8Array.from(bomb) },
        { name: 'text.png', content: 'Not a picture.' },
      ],
      { conversation },
    )
    expect(results.map(({ code }) => code)).toEqual([undefined, undefined, 'too_large', 'corrupt'])
    const attachments = results.flatMap(({ doc_id }) => doc_id ?? [])
    const ask = async (body: object) => {
      const headers = { 'content-type': 'application/json' }
      const asked = { conversation_id: conversation, question: 'What is this?', ...body }
      const response = await app.fetch('/chat/stream', {
        method: 'POST',
        headers,
        body: JSON.stringify(asked),
      })
      return (await collectEvents(response)).at(-1)?.data
    }
    type Sent = { messages: { images?: string[]; content: string | { type: string }[] }[] }
    const local = () => ollama.requestsTo('/api/chat').at(-1)?.body as Sent

    expect(await ask({ model: 'llava:7b', attachments })).toMatchObject({ images: 2 })
    const [first, second] = local().messages.at(-1)?.images ?? []
    expect(pictureFormat(Buffer.from(first ?? '', 'base64'))).toMatchObject({
      type: 'png',
      width: 1024,
      height: 512,
    })
    expect(pictureFormat(Buffer.from(second ?? '', 'base64'))).toMatchObject({
      type: 'png',
      width: 2,
      height: 2,
    })
    expect(await ask({ model: 'llava:7b' })).toMatchObject({ images: 2 })
    expect(local().messages.map(({ images = [] }) => images.length)).toEqual([0, 2, 0, 0])
    const blind = { images: 0, images_left_out: 'no_vision' }
    expect(await ask({ model: 'llama3.2:1b', attachments })).toMatchObject(blind)
    expect((await listMessages(app, conversation)).at(-1)).toMatchObject(blind)

    const elsewhere = {
      conversation_id: conversation,
      question: 'And this?',
      model: 'openai/gpt-4o',
      attachments,
    }
    expect(await app.post('/chat/ask', elsewhere)).toMatchObject({
      status: 409,
      body: { error: { code: 'images_need_permission', details: { provider: 'openai' } } },
    })
    const sent = () => JSON.stringify(remote.requests.map(({ body }) => body))
    expect(sent()).not.toContain('And this?')
    expect(await ask({ ...elsewhere, images_to: '' })).toMatchObject({
      images: 0,
      images_left_out: 'not_allowed',
    })
    expect((await app.post('/chat/ask', { ...elsewhere, images_to: 'another' })).status).toBe(409)
    expect(sent()).not.toContain('image_url')
    expect(await ask({ ...elsewhere, images_to: 'openai' })).toMatchObject({
      provider: 'openai',
      remote: true,
    })
    expect(sent()).toContain('data:image/png;base64,')

    // Pages of sources are also sent as pictures, by the same rule.
    const chart = placedPdf([[{ x: 60, y: 700, text: 'Newts found per pond in spring.' }]], {
      hasFigure: true,
    })
    await uploadFiles(app, [{ name: 'newts.pdf', content: Uint8Array.from(chart) }])
    const newts = async (more: object) => {
      const { id } = await createConversation(app, 'local')
      return await ask({ conversation_id: id, question: 'How many newts per pond in spring?', ...more })
    }
    expect(await newts({ model: 'llava:7b' })).toMatchObject({ page_images: 1 })
    const { images: [page] = [], content } = local().messages.at(-1) ?? {}
    expect(content).toMatch(/^Picture 1 shows the page of passage \[1\]\./)
    expect(pictureFormat(Buffer.from(page ?? '', 'base64'))).toMatchObject({ type: 'jpg', height: 1024 })
    expect(await newts({ model: 'llama3.2:1b' })).not.toHaveProperty('page_images')
    expect(await newts({ model: 'openai/gpt-4o' })).not.toHaveProperty('page_images')
    expect(sent()).not.toContain('data:image/jpeg')
    expect(await newts({ model: 'openai/gpt-4o', images_to: 'openai' })).toMatchObject({ page_images: 1 })
    expect(sent()).toContain('data:image/jpeg')
  })
})
