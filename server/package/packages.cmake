# Debian's packages of the three programs: `./run package`, or cpack -G DEB in a build folder.
set(HUB ${CMAKE_SOURCE_DIR}/server/package)
set(AGENT ${CMAKE_SOURCE_DIR}/clients/agent/package)
set(MADE ${CMAKE_BINARY_DIR}/package)
file(MAKE_DIRECTORY ${MADE})

# What every package carries beside its program. The manual page says what --help says.
function(onhand_package COMPONENT PACKAGE TARGET SUMMARY)
  set(PROGRAM $<TARGET_FILE_NAME:${TARGET}>)
  install(TARGETS ${TARGET} RUNTIME DESTINATION bin COMPONENT ${COMPONENT})
  add_custom_command(
    OUTPUT ${MADE}/${TARGET}.1.gz
    COMMAND sh -c "help2man --no-info --no-discard-stderr --name '${SUMMARY}' $<TARGET_FILE:${TARGET}> | gzip -9n > ${MADE}/${TARGET}.1.gz"
    DEPENDS ${TARGET} VERBATIM)
  add_custom_target(${TARGET}_manual DEPENDS ${MADE}/${TARGET}.1.gz)
  install(FILES ${MADE}/${TARGET}.1.gz DESTINATION share/man/man1 COMPONENT ${COMPONENT})
  execute_process(COMMAND gzip -9nc ${HUB}/changelog OUTPUT_FILE ${MADE}/changelog.gz)
  install(FILES ${MADE}/changelog.gz ${HUB}/copyright DESTINATION share/doc/${PACKAGE} COMPONENT ${COMPONENT})
  string(TOUPPER ${COMPONENT} UPPER)
  set(CPACK_DEBIAN_${UPPER}_PACKAGE_NAME ${PACKAGE} PARENT_SCOPE)
  set(CPACK_DEBIAN_${UPPER}_FILE_NAME DEB-DEFAULT PARENT_SCOPE)
endfunction()
onhand_package(hub onhand-hub onhandd "the inventory hub of a retail chain")
onhand_package(agent onhand-agent onhand-agent "tells the hub what a till exports")
onhand_package(cli onhand onhand "asks and steers an inventory hub")

install(FILES ${HUB}/onhandd.toml DESTINATION /etc/onhand COMPONENT hub)
install(FILES ${HUB}/onhandd.service DESTINATION /lib/systemd/system COMPONENT hub)
install(FILES ${HUB}/onhand-hub.sysusers DESTINATION lib/sysusers.d RENAME onhand-hub.conf COMPONENT hub)
install(FILES ${AGENT}/onhand-agent.toml DESTINATION /etc/onhand COMPONENT agent)
install(FILES ${AGENT}/onhand-agent.service DESTINATION /lib/systemd/system COMPONENT agent)
install(FILES ${AGENT}/onhand-agent.sysusers DESTINATION lib/sysusers.d RENAME onhand-agent.conf COMPONENT agent)

set(CPACK_PACKAGE_NAME onhand)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "Onhand <maintainers@onhand.example>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL hub agent cli)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_COMPONENT_HUB_DESCRIPTION
    "inventory hub of a retail chain\nGathers stock from an agent in every store, works out what each location and\nthe whole chain can promise, and serves it to websites, stores and managers.")
set(CPACK_COMPONENT_AGENT_DESCRIPTION
    "store agent of the inventory hub Onhand\nReads what a till exports, keeps it until the hub has it, and goes on where it\nwas after any accident.")
set(CPACK_COMPONENT_CLI_DESCRIPTION
    "command line of the inventory hub Onhand\nFor managers and operators: asks what can be promised and why, and steers\ncatalog, rules, reservations and tokens.")
set(CPACK_DEBIAN_HUB_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers, init-system-helpers (>= 1.54~)")
set(CPACK_DEBIAN_AGENT_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers, init-system-helpers (>= 1.54~)")
set(CPACK_DEBIAN_HUB_PACKAGE_RECOMMENDS onhand)
set(CPACK_DEBIAN_HUB_PACKAGE_CONTROL_EXTRA ${HUB}/postinst ${HUB}/prerm ${HUB}/postrm ${HUB}/conffiles)
set(CPACK_DEBIAN_AGENT_PACKAGE_CONTROL_EXTRA ${AGENT}/postinst ${AGENT}/prerm ${AGENT}/postrm ${AGENT}/conffiles)
include(CPack)
