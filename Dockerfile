# The worker as a container: built in one stage, run without compilers, tests and sources in another.
FROM node:20-alpine AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY tools/compile-lua.ts tools/build-page.ts tools/
COPY src src
RUN npm run build

FROM node:20-alpine
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json ./
# ioredis is a peer dependency, which npm installs with the others, at the version in the lock file.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY config config
COPY --from=build /app/dist dist
USER node
CMD ["node", "dist/cli/main.js", "worker"]
