# Builds with everything, runs with what production needs.
FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json nest-cli.json ./
COPY src src
COPY migrations migrations
RUN npm run build && npm prune --omit=dev

FROM node:26-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
USER node
EXPOSE 3000
# Not npm: it would end at a SIGTERM while the Worker is still draining. Run with an init (`docker run --init`).
CMD ["node", "--enable-source-maps", "--max-semi-space-size=32", "dist/src/main.js"]
