# Referry in a container: not root, nothing to write but the state.
#   docker build -t referry .
#   docker run --read-only --tmpfs /tmp -v referry-state:/var/lib/referry -v "$PWD/jobs:/etc/referry/jobs:ro" referry

FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY migrations ./migrations
RUN npm run -s build
RUN npm prune --omit=dev --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production
ENV REFERRY_STATE=/var/lib/referry
ENV REFERRY_JOBS=/etc/referry/jobs
ENV REFERRY_LISTEN=0.0.0.0:9464
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY LICENSE README.md ./
COPY docs ./docs
COPY jobs ./jobs
COPY sample-files ./sample-files
RUN chmod 0755 dist/src/main.js && ln -s /app/dist/src/main.js /usr/local/bin/referry
RUN install -d -o 1000 -g 1000 -m 0700 /var/lib/referry
USER 1000:1000
WORKDIR /var/lib/referry
VOLUME /var/lib/referry
EXPOSE 9464
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["referry", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["referry"]
CMD ["daemon"]
