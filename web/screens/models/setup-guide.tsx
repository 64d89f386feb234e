import { Section } from '../../shell/page.tsx'
import { CodeBlock } from '../../ui/markdown/code-block.tsx'

/** The ways to a model, in as few words as possible. */
export function SetupGuide() {
  return (
    <Section title="Set up a model">
      <div className="how-to">
        <article>
          <h3>On this machine, with Ollama</h3>
          <p>
            Install Ollama from{' '}
            <a href="https://ollama.com/download" target="_blank" rel="noopener noreferrer">
              ollama.com/download
            </a>{' '}
            and start it; this page finds it by itself. Then download a model above. When Ollama runs
            elsewhere, say where and start this server again:
          </p>
          <CodeBlock
            language="bash"
            isOpen={false}
            code="OLLAMA_BASE_URL=http://192.168.1.20:11434 npm start"
          />
        </article>
        <article>
          <h3>With OpenAI or a service like it</h3>
          <p>
            Give this server a key and start it again. Questions and the passages they find then go to that
            service.
          </p>
          <CodeBlock
            language="bash"
            isOpen={false}
            code={
              'OPENAI_API_KEY=sk-… npm start\n\n# another service that speaks the same\nOPENAI_BASE_URL=http://127.0.0.1:1234/v1 OPENAI_API_KEY=… npm start'
            }
          />
        </article>
      </div>
    </Section>
  )
}
