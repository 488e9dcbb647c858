{{- define "onhand.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "onhand.labels" -}}
app.kubernetes.io/name: onhand
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "onhand.hubSelector" -}}
app.kubernetes.io/name: onhand
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: hub
{{- end }}

{{- define "onhand.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Nobody of Kubernetes' is talked to, and nothing of the node's is needed. */}}
{{- define "onhand.podSecurity" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{ end -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "onhand.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: ["ALL"]
{{- end }}

{{- define "onhand.storeUrl" -}}
{{- if eq .Values.store.kind "sqlite" -}}
sqlite:/var/lib/onhand/journal.db
{{- else -}}
{{ .Values.store.mysql.url }}
{{- end -}}
{{- end }}

{{- define "onhand.storeArgs" -}}
- --store={{ include "onhand.storeUrl" . }}
{{- if eq .Values.store.kind "mysql" }}
- --store-password-file=/run/onhand/store/password
{{- end }}
{{- end }}

{{- define "onhand.storePasswordVolume" -}}
- name: store-password
  secret:
    secretName: {{ .Values.store.mysql.passwordSecret.name }}
    defaultMode: 0440
    items:
      - key: {{ .Values.store.mysql.passwordSecret.key }}
        path: password
{{- end }}

{{/* Where the hub of this release is reached: each address of the name is a hub. */}}
{{- define "onhand.hubAddress" -}}
{{ include "onhand.name" . }}-grpc.{{ .Release.Namespace }}.svc:{{ .Values.service.grpcPort }}
{{- end }}

{{- define "onhand.hubPod" -}}
metadata:
  labels:
    {{- include "onhand.labels" . | nindent 4 }}
    app.kubernetes.io/component: hub
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "onhand.podSecurity" . | nindent 2 }}
  # What drains ends by itself; the rest is for the last image.
  terminationGracePeriodSeconds: {{ add (trimSuffix "s" .Values.settings.drainFor | int) 30 }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: onhandd
      image: {{ include "onhand.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      command: ["/usr/bin/onhandd", "serve"]
      args:
        {{- include "onhand.storeArgs" . | nindent 8 }}
        - --grpc=0.0.0.0:{{ .Values.service.grpcPort }}
        - --http=0.0.0.0:{{ .Values.service.httpPort }}
        - --health=0.0.0.0:{{ .Values.service.healthPort }}
        - --metrics=0.0.0.0:{{ .Values.service.metricsPort }}
        - --tls-cert-file=/run/onhand/tls/tls.crt
        - --tls-key-file=/run/onhand/tls/tls.key
        {{- if .Values.tls.clientCa.secretName }}
        - --tls-client-ca-file=/run/onhand/client-ca/ca.crt
        {{- end }}
        - --first-token-file={{ .Values.firstTokenFile }}
        {{- with .Values.settings }}
        - --log-format={{ .logFormat }}
        - --log-level={{ .logLevel }}
        - --drain-for={{ .drainFor }}
        - --calls-per-second={{ .callsPerSecond | int }}
        - --calls-at-once={{ .callsAtOnce | int }}
        - --streams-at-once={{ .streamsAtOnce | int }}
        - --memory-quota-mib={{ .memoryQuotaMib | int }}
        - --projection={{ .projection }}
        {{- range .httpAllowOrigins }}
        - --http-allow-origin={{ . }}
        {{- end }}
        {{- range .extraArgs }}
        - {{ . | quote }}
        {{- end }}
        {{- end }}
      ports:
        - {name: grpc, containerPort: {{ .Values.service.grpcPort }}}
        - {name: http, containerPort: {{ .Values.service.httpPort }}}
        - {name: health, containerPort: {{ .Values.service.healthPort }}}
        - {name: metrics, containerPort: {{ .Values.service.metricsPort }}}
      # It listens on the health port before it reads a journal, so a long one is no reason to kill.
      startupProbe:
        grpc: {port: {{ .Values.service.healthPort }}, service: live}
        periodSeconds: 2
        failureThreshold: 30
        timeoutSeconds: 3
      livenessProbe:
        grpc: {port: {{ .Values.service.healthPort }}, service: live}
        periodSeconds: 10
        failureThreshold: 3
        timeoutSeconds: 5
      readinessProbe:
        grpc: {port: {{ .Values.service.healthPort }}, service: ready}
        periodSeconds: 3
        failureThreshold: 2
        timeoutSeconds: 3
      {{- include "onhand.containerSecurity" . | nindent 6 }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - {name: tls, mountPath: /run/onhand/tls, readOnly: true}
        {{- if .Values.tls.clientCa.secretName }}
        - {name: client-ca, mountPath: /run/onhand/client-ca, readOnly: true}
        {{- end }}
        - {name: data, mountPath: /var/lib/onhand}
        - {name: tmp, mountPath: /tmp}
        {{- if eq .Values.store.kind "mysql" }}
        - {name: store-password, mountPath: /run/onhand/store, readOnly: true}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {}
    {{- if eq .Values.store.kind "mysql" }}
    # For the first token alone; the database keeps everything else.
    - name: data
      emptyDir: {medium: Memory, sizeLimit: 1Mi}
    {{- end }}
    - name: tls
      secret:
        secretName: {{ required "tls.secretName is needed: the hub listens to other pods only with TLS; make a Secret of type kubernetes.io/tls and name it" .Values.tls.secretName }}
        defaultMode: 0440
    {{- if .Values.tls.clientCa.secretName }}
    - name: client-ca
      secret:
        secretName: {{ .Values.tls.clientCa.secretName }}
        defaultMode: 0440
        items:
          - key: {{ .Values.tls.clientCa.key }}
            path: ca.crt
    {{- end }}
    {{- if eq .Values.store.kind "mysql" }}
    {{- include "onhand.storePasswordVolume" . | nindent 4 }}
    {{- end }}
{{- end }}
