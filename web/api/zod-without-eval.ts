import * as z from 'zod/mini'

// The content security policy of the page forbids eval, which zod would use to compile parsers.
z.config({ jitless: true })
