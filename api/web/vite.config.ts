import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Everything the page needs is bundled: it opens no outside address. */
export default defineConfig({
  plugins: [react()],
  base: './',
  logLevel: 'warn',
  worker: { format: 'es' },
  build: { outDir: 'dist', emptyOutDir: true, chunkSizeWarningLimit: 2_000 },
});
