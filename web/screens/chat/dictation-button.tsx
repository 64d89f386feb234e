import { Mic } from 'lucide-react'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { t } from '../../languages/index.ts'
import { IconButton } from '../../ui/button.tsx'
import { useToast } from '../../ui/toast.tsx'

/** The speech recognition of the browser; Chromium and Safari use a prefix. */
type Recognition = EventTarget & { lang: string; continuous: boolean; start(): void; abort(): void }
type RecognitionClass = new () => Recognition
type ResultEvent = Event & { resultIndex: number; results: SpeechRecognitionResultList }

const browser = globalThis as {
  SpeechRecognition?: RecognitionClass
  webkitSpeechRecognition?: RecognitionClass
}
const Recognizer = browser.SpeechRecognition ?? browser.webkitSpeechRecognition

/** Dictates into the input. Shows nothing in browsers without speech recognition. */
export function DictationButton({ onText }: { onText: (text: string) => void }) {
  const showToast = useToast()
  const [isListening, setIsListening] = useState(false)
  const current = useRef<Recognition>(undefined)
  const receive = useEffectEvent(onText)
  useEffect(() => () => current.current?.abort(), [])
  if (!Recognizer) return null

  const start = (): void => {
    const recognition = new Recognizer()
    recognition.lang = document.documentElement.lang || navigator.language
    recognition.continuous = true
    recognition.addEventListener('result', (event) => {
      const { results, resultIndex } = event as ResultEvent
      for (const result of [...results].slice(resultIndex))
        if (result.isFinal) receive(result[0]?.transcript ?? '')
    })
    recognition.addEventListener('error', (event) => {
      const { error } = event as SpeechRecognitionErrorEvent
      if (error === 'not-allowed' || error === 'service-not-allowed')
        showToast(t('The browser does not allow the microphone here.'), 'bad')
      else if (error !== 'aborted' && error !== 'no-speech')
        showToast(t('Speech recognition is not available at the moment.'), 'bad')
    })
    recognition.addEventListener('end', () => setIsListening(false))
    recognition.start()
    current.current = recognition
    setIsListening(true)
  }
  return (
    <IconButton
      label={isListening ? t('Stop dictation') : t('Dictate')}
      icon={Mic}
      aria-pressed={isListening}
      className="dictation"
      onClick={() => (isListening ? current.current?.abort() : start())}
    />
  )
}
