# syntax=docker/dockerfile:1
#
#   docker build --tag pocketwire .                  on Node
#   docker build --target bun --tag pocketwire .     on Bun
#
# docs/deploy.md has the commands to run the image.

FROM node:22.23.3-bookworm-slim AS manifest
WORKDIR /app
COPY package.json package-lock.json ./

# The packages that the service needs when it runs, at the versions of the lock file. `redis` is an optional peer dependency,
# for REDIS_URL. The other packages of the kinds `optional` and `peer` are for browsers and for development.
FROM manifest AS packages
RUN --mount=type=cache,target=/root/.npm \
  npm pkg set --json "dependencies.redis=$(npm pkg get devDependencies.redis)" && \
  npm pkg delete devDependencies && \
  npm install --omit=optional --omit=peer --ignore-scripts

# --ignore-scripts: the script `prepare` would build before the sources are there.
FROM manifest AS build
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json tsconfig.worker.json tsconfig.build-worker.json ./
COPY scripts/build.mjs scripts/
COPY src src
RUN npm run build && find dist -name '*.map' -delete

# The files that both final stages copy. A new volume gets the owner of the folder that it is mounted on.
FROM manifest AS files
RUN rm package-lock.json && mkdir /data
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist

FROM oven/bun:1.4.5-slim AS bun
LABEL org.opencontainers.image.title="Pocketwire" \
  org.opencontainers.image.description="A realtime service that speaks PocketBase's protocol" \
  org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8090
WORKDIR /app
COPY --from=files /app ./
COPY --from=files --chown=1000:1000 /data /data
USER 1000:1000
EXPOSE 8090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["bun", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/api/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["bun"]
CMD ["dist/bun.js"]

FROM node:22.23.3-bookworm-slim AS node
LABEL org.opencontainers.image.title="Pocketwire" \
  org.opencontainers.image.description="A realtime service that speaks PocketBase's protocol" \
  org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8090
WORKDIR /app
COPY --from=files /app ./
COPY --from=files --chown=1000:1000 /data /data
USER 1000:1000
EXPOSE 8090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/api/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# The process is started without the shell script of the base image.
ENTRYPOINT ["node"]
CMD ["dist/node.js"]
