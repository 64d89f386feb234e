import { Search } from 'lucide-react'
import { type ComponentProps, type ReactNode, useId } from 'react'
import { classNames } from './class-names.ts'
import './field.css'

type Labels = { label: string; hint?: ReactNode; error?: string | undefined }

function useLabels(labels: Labels) {
  const id = useId()
  const descriptionIds = [labels.error && `${id}-error`, labels.hint && `${id}-hint`]
    .filter(Boolean)
    .join(' ')
  return {
    id,
    aria: {
      id,
      'aria-describedby': descriptionIds || undefined,
      'aria-invalid': labels.error ? true : undefined,
    },
  }
}

function Labelled({ id, label, hint, error, children }: Labels & { id: string; children: ReactNode }) {
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
      </label>
      {children}
      {error && (
        <p className="field-error" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
      {hint && (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

/** An empty field has the direction of the page, like its placeholder. */
export const directionOfText = (value: unknown): 'auto' | undefined => (value === '' ? undefined : 'auto')

export function TextField({ label, hint, error, ...input }: ComponentProps<'input'> & Labels) {
  const { id, aria } = useLabels({ label, hint, error })
  return (
    <Labelled id={id} label={label} hint={hint} error={error}>
      <input type="text" dir={directionOfText(input.value)} className="input" {...aria} {...input} />
    </Labelled>
  )
}

export function TextArea({ label, hint, error, ...input }: ComponentProps<'textarea'> & Labels) {
  const { id, aria } = useLabels({ label, hint, error })
  return (
    <Labelled id={id} label={label} hint={hint} error={error}>
      <textarea dir={directionOfText(input.value)} className="input" {...aria} {...input} />
    </Labelled>
  )
}

export function SelectField({ label, hint, error, children, ...select }: ComponentProps<'select'> & Labels) {
  const { id, aria } = useLabels({ label, hint, error })
  return (
    <Labelled id={id} label={label} hint={hint} error={error}>
      <select className="input" {...aria} {...select}>
        {children}
      </select>
    </Labelled>
  )
}

/** A select within a row; `label` is its accessible name. */
export function SmallSelect({ label, className, ...select }: ComponentProps<'select'> & { label: string }) {
  return <select className={classNames('input', 'input-small', className)} aria-label={label} {...select} />
}

export function SearchField({ label, ...input }: ComponentProps<'input'> & { label: string }) {
  return (
    <div className="search">
      <Search size={16} aria-hidden />
      <input
        type="search"
        dir={directionOfText(input.value)}
        className="input"
        aria-label={label}
        placeholder={label}
        {...input}
      />
    </div>
  )
}

/** Radio buttons, each with a title and an explanation. */
export function RadioGroup<Value extends string>({
  label,
  name,
  value,
  options,
  onChange,
}: {
  label: string
  name: string
  value: Value
  options: { value: Value; title: string; text?: string }[]
  onChange: (value: Value) => void
}) {
  return (
    <fieldset className="field">
      <legend className="field-label">{label}</legend>
      <div className="choices">
        {options.map((option) => (
          <label key={option.value} className="choice">
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
            />
            <span className="choice-text">
              {option.title}
              {option.text && <small>{option.text}</small>}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}
