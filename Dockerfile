# One image for every role; what it does is said by flags, environment or a configuration file.
#
#   docker build -t quantrac .
#   docker run -p 127.0.0.1:8080:8080 -v quantrac:/var/lib/quantrac quantrac run
#
# `.ci/image.ts` carries out what stands here without an engine, and starts what comes out of it.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

# The live page is built with packages that the program does not need.
FROM ${NODE_IMAGE} AS program
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run --silent build:page
# Of the page only what was built goes on, and of the packages none.
RUN mv api/web/dist page && rm -rf node_modules api/web && mkdir api/web && mv page api/web/dist

# No package that runs needs an install script, so none is run.
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE}
# Volumes that are mounted here for the first time get these owners.
RUN groupadd --gid 10001 quantrac \
  && useradd --uid 10001 --gid quantrac --no-create-home --shell /usr/sbin/nologin quantrac \
  && install -d -o quantrac -g quantrac -m 0750 /var/lib/quantrac \
  && cd /run && install -d -o quantrac -g quantrac -m 0755 \
    quantrac/influxdb quantrac/ingest quantrac/reading quantrac/grafana
WORKDIR /app
# Owned by root: the program cannot change itself.
COPY --from=packages /app/node_modules node_modules
COPY --from=program /build ./
ENV NODE_ENV=production \
  NODE_COMPILE_CACHE=/var/lib/quantrac/code \
  QUANTRAC_DATA_DIR=/var/lib/quantrac/data \
  QUANTRAC_HOST=0.0.0.0
USER 10001:10001
VOLUME /var/lib/quantrac
EXPOSE 1883 8883 8083 8080
STOPSIGNAL SIGTERM
# With HTTPS at the API the orchestrator has to ask with its own certificate: override it there.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.QUANTRAC_HTTP_PORT ?? 8080}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "quantrac.js"]
CMD ["run"]
