import { rich, t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { CodeBlock } from '../../ui/markdown/code-block.tsx'
import './setup-guide.css'

/** How to connect a language model. */
export function SetupGuide() {
  return (
    <Section title={t('Set-up instructions')}>
      <div className="setup-guide">
        <article>
          <h3>{t('Ollama on this machine')}</h3>
          <p>
            {rich(
              'Install Ollama from <a>ollama.com/download</a> and start it. It is detected automatically. Then download a model. If Ollama runs on another machine, restart the server with its address:',
              {
                a: (address) => (
                  <a href="https://ollama.com/download" target="_blank" rel="noopener noreferrer">
                    {address}
                  </a>
                ),
              },
            )}
          </p>
          <CodeBlock
            language="bash"
            isOpen={false}
            code="OLLAMA_BASE_URL=http://192.168.1.20:11434 npm start"
          />
        </article>
        <article>
          <h3>{t('OpenAI or a compatible service')}</h3>
          <p>
            {t(
              'Add it under Providers with its key, or restart the server with an API key. Questions and the passages found for them are then sent to that service.',
            )}
          </p>
          <CodeBlock
            language="bash"
            isOpen={false}
            code={`OPENAI_API_KEY=sk-… npm start\n\n# ${t('A compatible service:')}\nOPENAI_BASE_URL=http://127.0.0.1:1234/v1 OPENAI_API_KEY=… npm start`}
          />
        </article>
      </div>
    </Section>
  )
}
