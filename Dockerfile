# docs/image.md says how to build and run it. Another base, or this one by digest: --build-arg NODE_IMAGE=…
ARG NODE_IMAGE=node:26-slim

# What production needs of the packages. None needs a script at its installation.
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Types, and source maps of other people's code, are for those who develop.
RUN npm ci --omit=dev --ignore-scripts \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json nest-cli.json ./
COPY migrations migrations
COPY src src
RUN npm run build

FROM ${NODE_IMAGE}
# As process 1, node would not hear a SIGTERM before it has said what to do at one. The version is that of the base's Debian.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends tini \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/apt /var/log/dpkg.log
ENV NODE_ENV=production
WORKDIR /app
COPY package.json ./
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
# `node`, by number: Kubernetes cannot tell from a name that it is not root. All files are root's.
USER 1000:1000
EXPOSE 3000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["node", "dist/src/cli/health.js", "live"]
ENTRYPOINT ["tini", "--"]
# Not npm: it would end at a SIGTERM while the Worker is still draining.
CMD ["node", "--enable-source-maps", "--max-semi-space-size=32", "dist/src/main.js"]

ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="click-worker" \
  org.opencontainers.image.description="Charges ad clicks from Kafka in real time, exactly once" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
