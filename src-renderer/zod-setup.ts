import { z } from 'zod';

// zod would otherwise probe for `new Function`, which the page's content security policy forbids and reports.
z.config({ jitless: true });
