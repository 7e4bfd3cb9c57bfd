import { z } from 'zod';

// Before any schema is made: zod would otherwise probe for `new Function`, which a page's content security policy forbids and reports.
if ('document' in globalThis) z.config({ jitless: true });
